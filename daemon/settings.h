/* daemon/settings.h - reads the configuration: defaults, then a file, then `-o section.key=value`, each overriding
 * the previous. The rows are in settings_table.h. Any thread; one thread per object. */
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

/* The place of each row: DAEMON_ROW_server_listen... */
enum daemon_row {
#define S(section, text)
#define X(section, key, KIND, def, min, max, unit, text) DAEMON_ROW_##section##_##key,
    DAEMON_SETTINGS_TABLE(S, X)
#undef X
#undef S
        DAEMON_ROWS
};

/* Has one member per row: settings.server_listen, settings.limits_body_bytes ... Owns no memory. */
struct daemon_settings {
#define S(section, text)
#define X(section, key, KIND, def, min, max, unit, text) DAEMON_TYPE_##KIND(section##_##key)
    DAEMON_SETTINGS_TABLE(S, X)
#undef X
#undef S
    char file[256];           /* that daemon_settings_read has read; "": none */
    int line_of[DAEMON_ROWS]; /* line of the file that set a row; 0: another source */
};

#define DAEMON_SIZE_AUTO UINT64_MAX /* value of "auto", for a SIZE with that default */

enum daemon_setting_kind { DAEMON_TEXT, DAEMON_CHOICE, DAEMON_FLAG, DAEMON_COUNT, DAEMON_SIZE };

/* A row of the table. */
struct daemon_setting {
    const char *section, *key;
    enum daemon_setting_kind kind;
    const char *default_text;
    uint64_t min, max;
    const char *unit, *text;
    size_t offset, bytes; /* of the member in struct daemon_settings */
};
/* Returns the rows [*ret_count], static. */
const struct daemon_setting *daemon_setting_rows(size_t *ret_count);

/* Checks a text with a special form, such as a list of pairs. Fails with INSP_E_CONFIG; the detail begins with
 * the name of the setting. */
int daemon_setting_check(const struct daemon_setting *row, const char *value, struct insp_error *reterr);

/* Sets every setting to its default. */
void daemon_settings_default(struct daemon_settings *settings);

/* Sets one value from text. Fails with INSP_E_CONFIG if the section or key is unknown (the detail suggests the
 * nearest one), or the value has the wrong form or is out of range (the detail has the value and the range). */
int daemon_settings_set(struct daemon_settings *settings, const char *section, const char *key, const char *value,
                        struct insp_error *reterr);

/* Sets a value from "section.key=value", the argument of -o. Fails with INSP_E_CONFIG. */
int daemon_settings_override(struct daemon_settings *settings, const char *assignment, struct insp_error *reterr);

/* Reads an INI file over the current values. On failure, settings may be partly changed: discard them. Errors:
 *   INSP_E_CONFIG  "FILE:LINE: reason"; also if a key is set twice
 *   INSP_E_NOMEM, errno codes  the file cannot be read */
int daemon_settings_read(struct daemon_settings *settings, const char *path, struct insp_error *reterr);

/* Fills in settings whose default depends on others or on the environment (storage.state_dir,
 * training.dataset_roots, training.threads) and checks the rules that the table cannot express: the forms of
 * server.listen, device.name and of the lists, and both TLS files or none. Reads environment variables, does not
 * access the disk. Fails with INSP_E_CONFIG. */
int daemon_settings_resolve(struct daemon_settings *settings, struct insp_error *reterr);

/* Checks that the files which settings name can be read: certificates, keys and passwords of the sinks. For
 * check-config; the daemon starts without them, and the sink says so. Fails with INSP_E_CONFIG. */
int daemon_settings_check_files(const struct daemon_settings *settings, struct insp_error *reterr);

/* Puts the name of a setting before the detail of an error, and file and line if the file has set it. Returns the
 * code of the error. */
int daemon_settings_blame(const struct daemon_settings *settings, enum daemon_row row, struct insp_error *reterr);

/* Writes the annotated configuration file, with the given values or, if values is NULL, with every setting
 * commented out at its default (config/inspectd.conf). */
void daemon_settings_write(FILE *out, const struct daemon_settings *values);

/* Writes each setting with its default, range and text, for `inspectd serve --help`. */
void daemon_settings_help(FILE *out);

/* Returns the candidate with the smallest edit distance to a misspelt word, or NULL if more than about a third of
 * the letters would have to change. candidates [count], borrowed. */
const char *daemon_nearest(const char *word, const char *const *candidates, size_t count);

#endif
