#include "daemon/settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct daemon_setting rows[] = {
#define S(section, text)
#define X(section, key, KIND, def, min, max, unit, text)                                                          \
    {#section,                                                                                                    \
     #key,                                                                                                        \
     DAEMON_##KIND,                                                                                               \
     def,                                                                                                         \
     min,                                                                                                         \
     max,                                                                                                         \
     unit,                                                                                                        \
     text,                                                                                                        \
     offsetof(struct daemon_settings, section##_##key),                                                           \
     sizeof((struct daemon_settings *)NULL)->section##_##key},
    DAEMON_SETTINGS_TABLE(S, X)
#undef X
#undef S
};

const struct daemon_setting *daemon_setting_rows(size_t *ret_count) {
    *ret_count = sizeof rows / sizeof *rows;
    return rows;
}

static const struct daemon_setting *find(const char *section, const char *key) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].section, section) && !strcmp(rows[i].key, key))
            return &rows[i];
    return NULL;
}

static int unknown(const char *section, const char *key, struct insp_error *reterr) {
    char word[2 * DAEMON_KEY_BYTES], names[sizeof rows / sizeof *rows][DAEMON_KEY_BYTES];
    const char *candidates[sizeof rows / sizeof *rows];
    snprintf(word, sizeof word, "%s.%s", section, key);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(names[i], sizeof names[i], "%s.%s", rows[i].section, rows[i].key);
        candidates[i] = names[i];
    }
    const char *nearest = daemon_nearest(word, candidates, sizeof rows / sizeof *rows);
    if (nearest)
        return insp_fail(reterr, INSP_E_CONFIG, "unknown setting %s; did you mean %s?", word, nearest);
    return insp_fail(reterr, INSP_E_CONFIG,
                     "unknown setting %s; `inspectd check-config --print-defaults` lists them all", word);
}

/* Parses digits and, for sizes, one of K M G T. Rejects values beyond 64 bits. */
static bool parse_number(const char *text, bool size, uint64_t *ret) {
    if (!isdigit((unsigned char)*text))
        return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno)
        return false;
    static const char suffixes[] = "KMGT";
    const char *suffix = size && *end ? strchr(suffixes, toupper((unsigned char)*end)) : NULL;
    if (suffix) {
        unsigned shift = 10U * (unsigned)(suffix - suffixes + 1);
        if (value > UINT64_MAX >> shift)
            return false;
        value <<= shift;
        end++;
    }
    if (*end)
        return false;
    *ret = value;
    return true;
}

static bool parse_flag(const char *text, bool *ret) {
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (!strcmp(text, yes[i]) || !strcmp(text, no[i])) {
            *ret = !strcmp(text, yes[i]);
            return true;
        }
    }
    return false;
}

static bool is_choice(const char *choices, const char *text) {
    size_t n = strlen(text);
    for (const char *p = choices; *p; p += strcspn(p, "|"), p += *p == '|')
        if (strcspn(p, "|") == n && !strncmp(p, text, n))
            return true;
    return false;
}

/* Translates values from when server.open_access was a flag. */
static const char *older_spelling(const struct daemon_setting *row, const char *value) {
    bool open;
    if (row->kind != DAEMON_CHOICE || strcmp(row->key, "open_access") != 0 || !parse_flag(value, &open))
        return value;
    return open ? "always" : "auto";
}

static int set_text(const struct daemon_setting *row, char *member, const char *value, struct insp_error *reterr) {
    size_t n = strlen(value);
    if (row->kind == DAEMON_CHOICE && !is_choice(row->unit, value))
        return insp_fail(reterr, INSP_E_CONFIG, "%s.%s is \"%.64s\"; it must be one of %s", row->section, row->key,
                         value, row->unit);
    if (row->kind == DAEMON_TEXT && (n < row->min || n > row->max))
        return insp_fail(reterr, INSP_E_CONFIG,
                         "%s.%s has %zu bytes; it must have %" PRIu64 " to %" PRIu64 " (%s)", row->section,
                         row->key, n, row->min, row->max, row->unit);
    int r = daemon_setting_check(row, value, reterr);
    if (r == 0)
        memcpy(member, value, n + 1);
    return r;
}

static bool may_be_auto(const struct daemon_setting *row) {
    return row->kind == DAEMON_SIZE && !strcmp(row->default_text, "auto");
}

int daemon_settings_set(struct daemon_settings *settings, const char *section, const char *key, const char *value,
                        struct insp_error *reterr) {
    const struct daemon_setting *row = find(section, key);
    if (!row)
        return unknown(section, key, reterr);
    void *member = (char *)settings + row->offset;
    uint64_t number;
    settings->line_of[row - rows] = 0; /* daemon_settings_read sets it */
    switch (row->kind) {
    case DAEMON_TEXT:
    case DAEMON_CHOICE:
        return set_text(row, member, older_spelling(row, value), reterr);
    case DAEMON_FLAG:
        if (!parse_flag(value, member))
            return insp_fail(reterr, INSP_E_CONFIG, "%s.%s is \"%.64s\"; it must be true or false", section, key,
                             value);
        return 0;
    case DAEMON_COUNT:
    case DAEMON_SIZE:
        if (may_be_auto(row) && !strcmp(value, "auto")) {
            number = DAEMON_SIZE_AUTO;
            memcpy(member, &number, sizeof number);
            return 0;
        }
        if (!parse_number(value, row->kind == DAEMON_SIZE, &number) || number < row->min || number > row->max)
            return insp_fail(reterr, INSP_E_CONFIG,
                             "%s.%s is \"%.64s\"; it must be a whole number of %s, %" PRIu64 " to %" PRIu64 "%s",
                             section, key, value, row->unit, row->min, row->max,
                             may_be_auto(row)           ? " (K, M, G, T allowed), or auto"
                             : row->kind == DAEMON_SIZE ? " (K, M, G, T allowed)"
                                                        : "");
        memcpy(member, &number, sizeof number);
        return 0;
    }
    return insp_fail(reterr, INSP_E_INTERNAL, "%s.%s has no kind", section, key);
}

void daemon_settings_default(struct daemon_settings *settings) {
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct insp_error error;
        if (daemon_settings_set(settings, rows[i].section, rows[i].key, rows[i].default_text, &error) < 0) {
            fprintf(stderr, "inspectd: a default in the table of settings is invalid: %s\n", error.detail);
            abort();
        }
    }
}

int daemon_settings_blame(const struct daemon_settings *settings, enum daemon_row row, struct insp_error *reterr) {
    if (settings->line_of[row])
        insp_error_prefix(reterr, "%s:%d: %s.%s", settings->file, settings->line_of[row], rows[row].section,
                          rows[row].key);
    else
        insp_error_prefix(reterr, "%s.%s", rows[row].section, rows[row].key);
    return INSP_E_CONFIG;
}

int daemon_settings_override(struct daemon_settings *settings, const char *assignment, struct insp_error *reterr) {
    const char *equals = strchr(assignment, '='), *dot = strchr(assignment, '.');
    if (!equals || !dot || dot > equals || equals - assignment >= 2 * DAEMON_KEY_BYTES)
        return insp_fail(reterr, INSP_E_CONFIG, "\"%.128s\" must have the form section.key=value", assignment);
    char section[2 * DAEMON_KEY_BYTES], key[2 * DAEMON_KEY_BYTES];
    snprintf(section, sizeof section, "%.*s", (int)(dot - assignment), assignment);
    snprintf(key, sizeof key, "%.*s", (int)(equals - dot - 1), dot + 1);
    return daemon_settings_set(settings, section, key, equals + 1, reterr);
}
