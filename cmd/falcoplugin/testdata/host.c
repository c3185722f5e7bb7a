/*
 * Plays the framework that loads plugins (falcosecurity/libs userspace/plugin/
 * plugin_loader.c, userspace/libsinsp/plugin.cpp, userspace/libscap/engine/
 * source_plugin/source_plugin.c): what it looks for, in which order it calls.
 *
 * host LIBRARY info                     what the plugin says of itself
 * host LIBRARY run CONFIG PARAMS        its events, a line in hexadecimal digits each,
 *                                       until standard input ends
 * host LIBRARY order CONFIG P1 P2       calls that are out of order, and two instances,
 *                                       each in a thread, until both had an event
 * host LIBRARY init CONFIG [PARAMS]     what it answers to a configuration
 */
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../api.h"

/* Layouts as plugin_types.h and plugin_api.h have them, on 64-bit machines. */
#define AT(type, field, offset) _Static_assert(offsetof(struct type, field) == (offset), #type "." #field)
AT(event_header, ts, 0);
AT(event_header, tid, 8);
AT(event_header, len, 16);
AT(event_header, type, 20);
AT(event_header, nparams, 22);
_Static_assert(sizeof(struct event_header) == 26, "event_header");
AT(init_input, config, 0);
AT(init_input, owner, 8);
AT(init_input, owner_error, 16);
AT(init_input, tables, 24);
AT(metric, name, 0);
AT(metric, type, 8);
AT(metric, value, 16);
AT(metric, value_type, 24);
_Static_assert(sizeof(struct metric) == 32, "metric");

static struct {
	const char *(*get_required_api_version)(void);
	const char *(*get_version)(void);
	const char *(*get_name)(void);
	const char *(*get_description)(void);
	const char *(*get_contact)(void);
	const char *(*get_init_schema)(int32_t *);
	void *(*init)(const struct init_input *, int32_t *);
	void (*destroy)(void *);
	const char *(*get_last_error)(void *);
	uint32_t (*get_id)(void);
	const char *(*get_event_source)(void);
	void *(*open)(void *, const char *, int32_t *);
	void (*close)(void *, void *);
	int32_t (*next_batch)(void *, void *, uint32_t *, struct event_header ***);
	const char *(*list_open_params)(void *, int32_t *);
	const char *(*get_progress)(void *, void *, uint32_t *);
	struct metric *(*get_metrics)(void *, uint32_t *);
} api;

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

#define CHECK(what) do { if (!(what)) die("line %d: not so: %s", __LINE__, #what); } while (0)

static void load(const char *path)
{
	void *lib = dlopen(path, RTLD_LAZY);
	unsigned major, minor, patch;

	if (!lib)
		die("%s", dlerror());
#define SYMBOL(name) *(void **)&api.name = dlsym(lib, "plugin_" #name); if (!api.name) die("no plugin_" #name)
	SYMBOL(get_required_api_version);
	SYMBOL(get_version);
	SYMBOL(get_name);
	SYMBOL(get_description);
	SYMBOL(get_contact);
	SYMBOL(get_init_schema);
	SYMBOL(init);
	SYMBOL(destroy);
	SYMBOL(get_last_error);
	SYMBOL(get_id);
	SYMBOL(get_event_source);
	SYMBOL(open);
	SYMBOL(close);
	SYMBOL(next_batch);
	SYMBOL(list_open_params);
	SYMBOL(get_progress);
	SYMBOL(get_metrics);
	/* Capabilities that it must not seem to have. */
	CHECK(!dlsym(lib, "plugin_get_fields") && !dlsym(lib, "plugin_extract_fields"));
	CHECK(!dlsym(lib, "plugin_parse_event") && !dlsym(lib, "plugin_set_async_event_handler"));

	CHECK(sscanf(api.get_required_api_version(), "%u.%u.%u", &major, &minor, &patch) == 3);
	CHECK(major == 3 && minor == 0 && patch == 0); /* all hosts of API 3 load it */
	CHECK(sscanf(api.get_version(), "%u.%u.%u", &major, &minor, &patch) == 3);
	CHECK(api.get_id() == 0 && !*api.get_event_source()); /* system calls */
}

static const char *no_error(void *owner)
{
	(void)owner;
	return NULL;
}

static void *init(const char *config, int32_t *rc)
{
	/* The host's memory goes when plugin_init has returned. */
	char *copy = strdup(config);
	struct init_input in = { .config = copy, .owner = &api, .owner_error = no_error };
	void *s;

	*rc = 77;
	s = api.init(&in, rc);
	memset(copy, 'x', strlen(copy));
	free(copy);
	return s;
}

static void *must_init(const char *config)
{
	int32_t rc;
	void *s = init(config, &rc);

	if (rc != RC_SUCCESS)
		die("init: %s", api.get_last_error(s));
	CHECK(s);
	return s;
}

static void *must_open(void *s, const char *params)
{
	int32_t rc = 77;
	void *h = api.open(s, params, &rc);

	if (rc != RC_SUCCESS)
		die("open: %s", api.get_last_error(s));
	CHECK(h);
	return h;
}

static void print(const struct event_header *e)
{
	const unsigned char *b = (const unsigned char *)e;

	for (uint32_t i = 0; i < e->len; i++)
		printf("%02x", b[i]);
	putchar('\n');
}

static void info(void)
{
	int32_t kind = 77, rc = 77;
	void *s;

	printf("%s\n%s\n%s\n", api.get_name(), api.get_description(), api.get_contact());
	printf("%s\n", api.get_init_schema(&kind));
	CHECK(kind == SCHEMA_JSON);
	s = must_init("");
	printf("%s\n", api.list_open_params(s, &rc));
	CHECK(rc == RC_SUCCESS);
	api.destroy(s);
}

static void run(const char *config, const char *params)
{
	void *s = must_init(config), *h = must_open(s, params);
	struct pollfd in = { .fd = 0, .events = POLLIN };
	struct event_header **events;
	uint32_t n, share = 77, metrics;
	struct metric *m;
	int32_t rc;

	fprintf(stderr, "open\n");
	while (poll(&in, 1, 0) == 0) {
		n = 77;
		rc = api.next_batch(s, h, &n, &events);
		if (rc == RC_FAILURE)
			die("next_batch: %s", api.get_last_error(s));
		CHECK(rc == RC_SUCCESS ? n > 0 : rc == RC_TIMEOUT && n == 0);
		for (uint32_t i = 0; i < n; i++)
			print(events[i]);
		fflush(stdout);
	}
	fprintf(stderr, "%s\n", api.get_progress(s, h, &share));
	CHECK(share == 0);
	m = api.get_metrics(s, &metrics);
	for (uint32_t i = 0; i < metrics; i++) {
		CHECK(m[i].value_type == METRIC_U64 && (m[i].type == METRIC_COUNTER || m[i].type == METRIC_GAUGE));
		fprintf(stderr, "%s %llu\n", m[i].name, (unsigned long long)m[i].value.u64);
	}
	api.close(s, h);
	api.destroy(s);
}

struct job {
	void *s, *h;
	unsigned long events;
};

/* Reads one instance until it had an event of its tracer, and touches every byte. */
static void *job(void *arg)
{
	struct job *j = arg;
	struct event_header **events;
	unsigned char sum = 0;
	uint32_t n, share;

	while (j->events == 0) {
		int32_t rc = api.next_batch(j->s, j->h, &n, &events);

		CHECK(rc == RC_SUCCESS || rc == RC_TIMEOUT);
		for (uint32_t i = 0; i < n; i++) {
			for (uint32_t k = 0; k < events[i]->len; k++)
				sum += ((unsigned char *)events[i])[k];
			j->events++;
		}
		CHECK(strstr(api.get_progress(j->s, j->h, &share), "events"));
	}
	return sum ? j : NULL;
}

static void order(const char *config, const char *p1, const char *p2)
{
	struct event_header **events = NULL;
	uint32_t n = 77, share;
	int32_t rc = 77;
	void *s, *other, *h;
	struct job a, b;
	pthread_t t;

	/* Without a state. */
	CHECK(*api.get_last_error(NULL));
	api.destroy(NULL);
	api.close(NULL, NULL);
	CHECK(!api.open(NULL, p1, &rc) && rc == RC_FAILURE);
	CHECK(api.next_batch(NULL, NULL, &n, &events) == RC_FAILURE && n == 0);
	CHECK(!api.get_progress(NULL, NULL, &share));
	CHECK(!api.get_metrics(NULL, &n) && n == 0);

	s = must_init(config);
	CHECK(!*api.get_last_error(s));
	CHECK(!api.get_metrics(s, &n) && n == 0); /* of no instance */
	other = must_init("{}");
	CHECK(s != other);

	/* An address that is taken, and again once it is free. */
	h = must_open(s, p1);
	rc = 77;
	CHECK(!api.open(other, p1, &rc) && rc == RC_FAILURE && strstr(api.get_last_error(other), "already"));
	CHECK(!*api.get_last_error(s));
	CHECK(api.next_batch(s, h, &n, &events) == RC_TIMEOUT && n == 0);
	api.close(s, h);

	a = (struct job){ s, must_open(s, p1), 0 };
	b = (struct job){ s, must_open(s, p2), 0 };
	CHECK(a.h != b.h);
	fprintf(stderr, "open\n");
	CHECK(pthread_create(&t, NULL, job, &b) == 0);
	job(&a);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(api.get_metrics(s, &n) && n > 0);
	api.close(s, b.h);
	api.close(s, a.h);
	api.destroy(other);
	api.destroy(s);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	int32_t rc = RC_SUCCESS;
	void *s, *h;

	if (argc < 3)
		die("host LIBRARY info|run|order|init ...");
	load(argv[1]);
	if (!strcmp(what, "info") && argc == 3) {
		info();
	} else if (!strcmp(what, "run") && argc == 5) {
		run(argv[3], argv[4]);
	} else if (!strcmp(what, "order") && argc == 6) {
		order(argv[3], argv[4], argv[5]);
	} else if (!strcmp(what, "init") && argc > 3) {
		s = init(argv[3], &rc);
		if (rc == RC_SUCCESS && argc > 4) {
			h = api.open(s, argv[4], &rc);
			if (rc == RC_SUCCESS)
				api.close(s, h);
		}
		puts(rc == RC_SUCCESS ? "fine" : api.get_last_error(s));
		api.destroy(s);
	} else {
		die("no such use: %s", what);
	}
	return 0;
}
