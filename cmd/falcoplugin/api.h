/*
 * What the plugin API of Falco's libraries fixes, of what we use: versions 3.x, libs 0.13
 * (Falco 0.36) and later. The facts are those of falcosecurity/libs
 * userspace/plugin/plugin_api.h and plugin_types.h.
 *
 * A plugin exports functions whose names begin with plugin_; main.go has each with its
 * signature. Memory that a plugin hands out is its own: it stays as it is until the next
 * call of the same function, or close or destroy.
 */
#ifndef LANNER_PLUGIN_API_H
#define LANNER_PLUGIN_API_H

#include <stdint.h>

/* Results (ss_plugin_rc). */
enum {
	RC_TIMEOUT = -1, /* no events now */
	RC_SUCCESS = 0,
	RC_FAILURE = 1, /* plugin_get_last_error says why */
	RC_EOF = 2,
};

/* What plugin_get_init_schema returns (ss_plugin_schema_type). */
enum {
	SCHEMA_NONE = 0,
	SCHEMA_JSON = 1,
};

/*
 * Argument of plugin_init (ss_plugin_init_input). From API 3.3 on a function for logs
 * follows. A plugin is not told which version its host has, so we must not look there.
 */
struct init_input {
	const char *config;
	void *owner;
	const char *(*owner_error)(void *owner);
	const void *tables;
};

/* Front of an event (ss_plugin_event), which is that of the contract. */
struct event_header {
	uint64_t ts;  /* ns since the epoch */
	uint64_t tid;
	uint32_t len; /* bytes, header included */
	uint16_t type;
	uint32_t nparams;
} __attribute__((packed));

/* Types of metrics (ss_plugin_metric_type, ss_plugin_metric_value_type). */
enum {
	METRIC_COUNTER = 0, /* only grows */
	METRIC_GAUGE = 1,
	METRIC_U64 = 2,
};

/* A metric (ss_plugin_metric), from API 3.5 on. */
struct metric {
	const char *name;
	int32_t type;
	union {
		uint64_t u64;
		double d;
	} value;
	int32_t value_type;
};

#endif
