/* SPDX-License-Identifier: MIT */
/*
 * Everything a user can set for a crawl, with the default and the range of
 * each in the table of settings.c: one table for flags, crawl.conf, CRAWL_*
 * variables and --help. Plain data once loaded; nothing changes it afterwards.
 *
 * Precedence: command line over environment over file over default, and --set
 * over flags. Lists (include, exclude, header ...) add up in that order, the
 * file's first.
 */
#pragma once

#include "config/options.h"

enum settings_scope {
    SCOPE_HOST,
    SCOPE_DOMAIN,
    SCOPE_PREFIX,
    SCOPE_ANY,
};

enum settings_bodies {
    BODIES_NONE,
    BODIES_HTML,
    BODIES_ALL,
};

enum settings_progress {
    PROGRESS_AUTO,
    PROGRESS_TTY,
    PROGRESS_PLAIN,
    PROGRESS_NONE,
};

/* Tags of the rules list. */
enum settings_rule {
    RULE_EXCLUDE,
    RULE_INCLUDE,
};

/*
 * A section [host "PATTERN"]: what differs for hosts that match ('*' stands for
 * any run of characters). -2 = not set.
 */
struct host_settings {
    char *pattern;
    int64_t delay_ms, per_host, max_pages_per_host;
    bool is_insecure;
    struct text_list headers;
};

/* What an extraction rule makes of what its expression finds; as in parse/tree.h. */
enum extract_type {
    EXTRACT_STRING,
    EXTRACT_LIST,
    EXTRACT_NUMBER,
    EXTRACT_DATE,
    EXTRACT_HTML,
};

/* A value to be picked out of a page. */
struct extract_rule {
    char *name, *xpath;
    char *where; /* "crawl.conf:12" */
    int type;    /* enum extract_type */
};

/* A section [extract "NAME"]: values of the pages whose URL matches. */
struct extract_section {
    char *name;
    char *url;   /* PCRE2 */
    char *where; /* of url, once there is one */
    struct extract_rule *rules;
    size_t n_rules;
};

struct settings {
    /* where and how much */
    char *db;
    int64_t depth, max_pages, max_pages_per_host, max_bytes, max_time_ms;
    int scope, order, revisit;
    struct text_list rules;
    bool respects_nofollow, follows_embeds, has_no_sitemaps, has_no_robots;
    /* politeness and speed */
    int64_t delay_ms, per_host, per_ip, concurrency, rate, workers;
    int64_t max_wait_ms;
    /* one request */
    int64_t connect_timeout_ms, first_byte_timeout_ms, timeout_ms;
    int64_t low_speed_bytes, low_speed_ms;
    int64_t retries, max_size, max_redirects;
    char *user_agent, *contact, *proxy, *ca_file, *auth_file, *load_cookies, *dns_servers;
    struct text_list headers, insecure;
    bool uses_cookies;
    struct text_list allow_net;
    bool allows_private;
    /* what is kept */
    int store_bodies;
    bool has_no_text, has_no_metrics, is_durable, is_fresh, wants_facts;
    int64_t keep_history, revisit_min_ms, revisit_max_ms;
    char *warc_dir;
    /* limits of the machine */
    int64_t max_memory, min_free;
    int64_t parse_time_ms, quarantine;
    bool has_no_sandbox;
    /* running it */
    char *config;
    struct text_list set; /* empty once loaded */
    int64_t lock_wait_ms;
    struct text_list fail_on;
    bool is_quiet, is_verbose;
    int progress;
    char *log, *json_summary;
    bool wants_help, wants_version;
    /* sections of the file */
    struct host_settings *hosts;
    size_t n_hosts;
    struct extract_section *extracts;
    size_t n_extracts;
};

extern const struct option_table settings_table;

/*
 * Defaults, then the file (--config, else CRAWL_CONFIG, else ./crawl.conf if it
 * is there), then the environment, then argv. env is an environ-style list.
 * *operands are the seeds (free the array with mem_free). ERR_USAGE with a note
 * for a person; nothing is to be cleared then.
 */
enum err settings_load(struct settings *s, int argc, char **argv, char **env, char ***operands,
                       size_t *n_operands, struct err_note *note) MUST_USE;

/* Checks that span several fields; fills defaults that depend on the machine (workers, memory, per_ip). */
enum err settings_check(struct settings *s, struct err_note *note) MUST_USE;

void settings_clear(struct settings *s);

/* The section that matches host best (the last one that matches), or NULL. */
const struct host_settings *settings_for_host(const struct settings *s, struct span host);

/* Is it a word to this one start (config, set, help, version), not a setting? */
bool settings_is_command(const struct option_spec *spec);

/* Every setting by its name, as a JSON object (durations in ms); headers, proxy and secret files are left out. */
enum err settings_to_json(const struct settings *s, struct buf *out) MUST_USE;

/*
 * Of these only what decides whether a URL that is known may be asked for, the include and exclude rules in their
 * order: where two starts have the same, what one decided holds for the other.
 */
enum err settings_rules_to_json(const struct settings *s, struct buf *out) MUST_USE;
