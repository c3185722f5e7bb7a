// Command validate reads pods, JSON objects one after the other, and prints what the API
// server would find wrong with each when it is created.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

func main() {
	in := json.NewDecoder(os.Stdin)
	in.DisallowUnknownFields()
	for i := 0; ; i++ {
		var given v1.Pod
		if err := in.Decode(&given); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fail(i, err)
		}
		legacyscheme.Scheme.Default(&given)
		var pod core.Pod
		if err := legacyscheme.Scheme.Convert(&given, &pod, nil); err != nil {
			fail(i, err)
		}
		options := podutil.GetValidationOptionsFromPodSpecAndMeta(&pod.Spec, nil, &pod.ObjectMeta, nil)
		for _, err := range validation.ValidatePodCreate(&pod, options) {
			fmt.Printf("pod %d: %v\n", i, err)
		}
	}
}

func fail(i int, err error) {
	fmt.Printf("pod %d: %v\n", i, err)
	os.Exit(1)
}
