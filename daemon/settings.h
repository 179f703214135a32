/* daemon/settings.h - the configuration: defaults, then a file, then `-o section.key=value`; later ones win.
 * The rows are in settings_table.h. Functions: any thread, one thread per object. */
#ifndef INSP_DAEMON_SETTINGS_H
#define INSP_DAEMON_SETTINGS_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { DAEMON_TEXT_MAX = 2047, DAEMON_KEY_BYTES = 64 };

#include "daemon/settings_table.h"

#define DAEMON_TYPE_TEXT(name) char name[DAEMON_TEXT_MAX + 1];
#define DAEMON_TYPE_CHOICE(name) char name[16];
#define DAEMON_TYPE_FLAG(name) bool name;
#define DAEMON_TYPE_COUNT(name) uint64_t name;
#define DAEMON_TYPE_SIZE(name) uint64_t name;

/* One member per row: settings.server_listen, settings.limits_body_bytes ... Owns no memory. */
struct daemon_settings {
#define S(section, text)
#define X(section, key, KIND, def, min, max, unit, text) DAEMON_TYPE_##KIND(section##_##key)
    DAEMON_SETTINGS_TABLE(S, X)
#undef X
#undef S
};

#define DAEMON_SIZE_AUTO UINT64_MAX /* "auto", for a SIZE whose default that is */

enum daemon_setting_kind { DAEMON_TEXT, DAEMON_CHOICE, DAEMON_FLAG, DAEMON_COUNT, DAEMON_SIZE };

/* A row of the table, as data. */
struct daemon_setting {
    const char *section, *key;
    enum daemon_setting_kind kind;
    const char *default_text;
    uint64_t min, max;
    const char *unit, *text;
    size_t offset, bytes; /* of the member in struct daemon_settings */
};
const struct daemon_setting *daemon_setting_rows(size_t *ret_count); /* static */

void daemon_settings_default(struct daemon_settings *settings);

/* Sets one value from text. INSP_E_CONFIG: unknown section or key (names the nearest known one), or a value of the
 * wrong form or outside its range (names both). */
int daemon_settings_set(struct daemon_settings *settings, const char *section, const char *key, const char *value,
                        struct insp_error *reterr);

/* "section.key=value", as after -o. */
int daemon_settings_override(struct daemon_settings *settings, const char *assignment, struct insp_error *reterr);

/* Reads an INI file over the present values. INSP_E_CONFIG as "FILE:LINE: what"; a key that stands twice is
 * refused. errno codes where the file cannot be read. On failure settings may be half changed: throw them away. */
int daemon_settings_read(struct daemon_settings *settings, const char *path, struct insp_error *reterr);

/* Replaces what is empty by what it means (state_dir, dataset_roots, training.threads) and checks what concerns
 * more than one setting (both TLS files or none, form of device.name). Looks at environment variables, touches no
 * disk. INSP_E_CONFIG. */
int daemon_settings_resolve(struct daemon_settings *settings, struct insp_error *reterr);

/* Writes the annotated configuration file. With values = NULL each setting stands commented out at its default
 * (this is config/inspectd.conf), else set to its value. */
void daemon_settings_write(FILE *out, const struct daemon_settings *values);

/* One line per setting for --help: "-o section.key=VALUE", range, default. */
void daemon_settings_help(FILE *out);

/* The candidate nearest to a misspelt word by edit distance, or NULL where none is near enough to be meant. */
const char *daemon_nearest(const char *word, const char *const *candidates, size_t count);

#endif
