package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestECS: the ways in and out of one task definition.
func TestECS(t *testing.T) {
	const task = "{\n  \"family\": \"web\",\n  \"containerDefinitions\": [\n    {\"name\": \"app\", \"entryPoint\": [\"/app\"]},\n    {\"name\": \"other\"}\n  ]\n}\n"
	out, complaints, code := run(t, task, "ecs", "--sys-ptrace", "never")
	if code != 0 || !strings.Contains(out, `"condition": "SUCCESS"`) || strings.Contains(out, "SYS_PTRACE") ||
		complaints != "inject: task definition web other: skipped: it has neither an entry point nor an image\n" {
		t.Errorf("exit status %d, told %q\n%s", code, complaints, out)
	}
	if _, _, code := run(t, task, "ecs", "-q", "--check"); code != 1 {
		t.Errorf("--check before: exit status %d", code)
	}
	if _, _, code := run(t, out, "ecs", "-q", "--check", "--sys-ptrace", "never"); code != 0 {
		t.Errorf("--check after: exit status %d", code)
	}
	if got, _, _ := run(t, task, "ecs", "-q", "--diff"); !strings.Contains(got, "\n+") || !strings.Contains(got, "lanner-install") {
		t.Errorf("--diff:\n%s", got)
	}
	if got, _, _ := run(t, task, "ecs", "--explain"); got != "task definition web app: wrapped\ntask definition web other: skipped: it has neither an entry point nor an image\n" {
		t.Errorf("--explain:\n%s", got)
	}
	if back, _, code := run(t, out, "uninject", "ecs"); code != 0 || strings.Contains(back, "lanner") {
		t.Errorf("uninject: exit status %d\n%s", code, back)
	}
	broken := filepath.Join(t.TempDir(), "task.json")
	if err := os.WriteFile(broken, []byte("{\"containerDefinitions\":\n [1,]}"), 0o644); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"ecs " + broken:          broken + ": line 2, column 5: not JSON",
		"ecs --sys-ptrace maybe": `unknown choice "maybe"`,
		"ecs a.json b.json":      "several files take --in-place",
	} {
		out, complaints, code := run(t, "", strings.Fields(args)...)
		if code != 2 || out != "" || !strings.Contains(complaints, want) || strings.Count(complaints, "\n") != 1 {
			t.Errorf("%s: exit status %d, printed %q, told %q, want %q", args, code, out, complaints, want)
		}
	}
}

// TestCompose: the ways in and out of one Compose file.
func TestCompose(t *testing.T) {
	const file = "services:\n  app:\n    image: app # ours\n    entrypoint: /app x\n  other:\n    image: other\n"
	out, complaints, code := run(t, file, "compose", "--offline")
	if code != 0 || !strings.Contains(out, "image: app # ours\n    entrypoint: /lanner/trace -- /app x\n") ||
		complaints != "inject: service other: skipped: its command is that of image other, which was not looked up\n" {
		t.Errorf("exit status %d, told %q\n%s", code, complaints, out)
	}
	if _, _, code := run(t, file, "compose", "--offline", "-q", "--check"); code != 1 {
		t.Errorf("--check before: exit status %d", code)
	}
	if _, _, code := run(t, out, "compose", "--offline", "-q", "--check"); code != 0 {
		t.Errorf("--check after: exit status %d", code)
	}
	if got, _, _ := run(t, file, "compose", "--offline", "-q", "--diff"); !strings.Contains(got, "\n-    entrypoint: /app x\n+    entrypoint: /lanner/trace -- /app x\n") {
		t.Errorf("--diff:\n%s", got)
	}
	if got, _, _ := run(t, file, "compose", "--offline", "--explain", "--container", "other"); !strings.HasPrefix(got, "service app: skipped: not among the chosen containers\n") {
		t.Errorf("--explain:\n%s", got)
	}
	if got, _, _ := run(t, file, "compose", "--offline", "-q", "--image-volume"); !strings.Contains(got, "type: image") || strings.Contains(got, "lanner-install") {
		t.Errorf("--image-volume:\n%s", got)
	}
	if back, _, code := run(t, out, "uninject", "compose"); code != 0 || back != file {
		t.Errorf("uninject: exit status %d\n%s", code, back)
	}
	if out, complaints, code := run(t, "services: {\n", "compose"); code != 2 || out != "" || !strings.HasPrefix(complaints, "inject: standard input: line 2, column ") {
		t.Errorf("broken: exit status %d, printed %q, told %q", code, out, complaints)
	}
}

// TestDockerfile: the ways in and out of one Dockerfile.
func TestDockerfile(t *testing.T) {
	const file = "FROM scratch AS a\nENTRYPOINT [\"/a\"]\nFROM b\nCMD x\n"
	if _, complaints, code := run(t, file, "dockerfile", "--offline"); code != 0 || complaints != "inject: stage 1: skipped: its command is that of image b, which was not looked up\n" {
		t.Errorf("exit status %d, told %q", code, complaints)
	}
	out, _, _ := run(t, file, "dockerfile", "--stage", "a")
	if !strings.Contains(out, "\nENTRYPOINT [\"/lanner/trace\", \"--\", \"/a\"]\n") {
		t.Error(out)
	}
	if _, _, code := run(t, file, "dockerfile", "--stage", "a", "--check"); code != 1 {
		t.Errorf("--check before: exit status %d", code)
	}
	if _, _, code := run(t, out, "dockerfile", "--stage", "a", "--check"); code != 0 {
		t.Errorf("--check after: exit status %d", code)
	}
	if got, _, _ := run(t, file, "dockerfile", "--stage", "a", "--diff"); !strings.Contains(got, "\n+COPY --from=") {
		t.Errorf("--diff:\n%s", got)
	}
	if got, _, _ := run(t, file, "dockerfile", "--stage", "a", "--explain"); got != "stage a: wrapped\n" {
		t.Errorf("--explain:\n%s", got)
	}
	if back, _, code := run(t, out, "uninject", "dockerfile"); code != 0 || back != file {
		t.Errorf("uninject: exit status %d\n%s", code, back)
	}
	if out, complaints, code := run(t, "ARG x\nRUN y\n", "dockerfile"); code != 2 || out != "" || complaints != "inject: standard input: line 2, column 1: RUN before the first FROM\n" {
		t.Errorf("broken: exit status %d, printed %q, told %q", code, out, complaints)
	}
	if _, complaints, code := run(t, file, "dockerfile", "--container", "a"); code != 2 || !strings.Contains(complaints, "--stage") {
		t.Errorf("--container: exit status %d, told %q", code, complaints)
	}
}
