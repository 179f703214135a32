#include "core/base/cleanup.h"
#include "daemon/settings.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <string.h>

/* The state of a read. libinih's handler gets no line number in Debian's build, but libinih calls read_line for
 * each line, so the handler is always called for the line that was read last. */
struct reading {
    struct daemon_settings *settings;
    FILE *file;
    int line;
    int seen[DAEMON_ROWS]; /* line that set a row; 0: not yet set */
    int failed_line;       /* 0: no error so far */
    struct insp_error error;
};

static char *read_line(char *buffer, int bytes, void *stream) {
    struct reading *reading = stream;
    if (reading->failed_line || !fgets(buffer, bytes, reading->file))
        return NULL;
    reading->line++;
    if (!strchr(buffer, '\n') && !feof(reading->file)) {
        reading->failed_line = reading->line;
        insp_fail(&reading->error, INSP_E_CONFIG, "the line is longer than %d characters", bytes - 2);
        return NULL;
    }
    return buffer;
}

static int row_index(const char *section, const char *key) {
    size_t count;
    const struct daemon_setting *rows = daemon_setting_rows(&count);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(rows[i].section, section) && !strcmp(rows[i].key, key))
            return (int)i;
    return -1;
}

static int take_value(void *user, const char *section, const char *key, const char *value) {
    struct reading *reading = user;
    if (reading->failed_line)
        return 0;
    int row = row_index(section, key);
    int r = row >= 0 && reading->seen[row]
                ? insp_fail(&reading->error, INSP_E_CONFIG, "%s.%s is already set in line %d", section, key,
                            reading->seen[row])
                : daemon_settings_set(reading->settings, section, key, value, &reading->error);
    if (r < 0) {
        reading->failed_line = reading->line;
        return 0;
    }
    reading->seen[row] = reading->settings->line_of[row] = reading->line;
    return 1;
}

int daemon_settings_read(struct daemon_settings *settings, const char *path, struct insp_error *reterr) {
    _cleanup_fclose_ FILE *file = fopen(path, "re");
    if (!file)
        return insp_fail_errno(reterr, errno, "cannot open the configuration file %s", path);
    struct reading reading = {.settings = settings, .file = file};
    snprintf(settings->file, sizeof settings->file, "%s", path);
    int r = ini_parse_stream(read_line, &reading, take_value, &reading);
    if (ferror(file))
        return insp_fail_errno(reterr, errno, "cannot read the configuration file %s", path);
    if (reading.failed_line && (r <= 0 || r >= reading.failed_line)) /* report the first error */
        return insp_fail(reterr, INSP_E_CONFIG, "%s:%d: %s", path, reading.failed_line, reading.error.detail);
    if (r > 0)
        return insp_fail(reterr, INSP_E_CONFIG,
                         "%s:%d: the line must be [section], key = value, or a comment that starts with # or ;",
                         path, r);
    if (r < 0)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to read %s", path);
    return 0;
}

static void print_comment(FILE *out, const char *text) {
    for (const char *p = text; *p;) {
        int n = (int)strcspn(p, "\n");
        fprintf(out, "# %.*s\n", n, p);
        p += n + (p[n] == '\n');
    }
}

/* Writes bytes with the largest suffix that divides them, so that the text reads back as the same number. */
static void print_size(FILE *out, uint64_t bytes) {
    if (bytes == DAEMON_SIZE_AUTO) {
        fputs("auto", out);
        return;
    }
    static const char *const suffixes[] = {"", "K", "M", "G", "T"};
    size_t i = 0;
    while (bytes && bytes % 1024 == 0 && i + 1 < INSP_COUNT(suffixes)) {
        bytes /= 1024;
        i++;
    }
    fprintf(out, "%" PRIu64 "%s", bytes, suffixes[i]);
}

static void print_value(FILE *out, const struct daemon_setting *row, const struct daemon_settings *values) {
    const char *member = (const char *)values + row->offset;
    uint64_t number;
    switch (row->kind) {
    case DAEMON_TEXT:
    case DAEMON_CHOICE:
        fputs(member, out);
        return;
    case DAEMON_FLAG:
        fputs(*(const bool *)member ? "true" : "false", out);
        return;
    case DAEMON_COUNT:
    case DAEMON_SIZE:
        memcpy(&number, member, sizeof number);
        if (row->kind == DAEMON_SIZE)
            print_size(out, number);
        else
            fprintf(out, "%" PRIu64, number);
        return;
    }
}

static void print_range(FILE *out, const struct daemon_setting *row) {
    if (row->kind == DAEMON_COUNT)
        fprintf(out, "%" PRIu64 " to %" PRIu64 " %s", row->min, row->max, row->unit);
    else if (row->kind == DAEMON_SIZE)
        fprintf(out, "bytes; K, M, G, T allowed%s", strcmp(row->default_text, "auto") ? "" : "; or auto");
    else if (row->kind == DAEMON_FLAG)
        fputs("true|false", out);
    else
        fputs(row->unit, out);
}

static void print_setting(FILE *out, const struct daemon_setting *row, const struct daemon_settings *values) {
    fputc('\n', out);
    print_comment(out, row->text);
    fputs("# (", out);
    print_range(out, row);
    fputs(")\n", out);
    if (values) {
        fprintf(out, "%s = ", row->key);
        print_value(out, row, values);
        fputc('\n', out);
    } else {
        fprintf(out, "#%s =%s%s\n", row->key, *row->default_text ? " " : "", row->default_text);
    }
}

static const char *section_text(const char *section) {
#define S(name, text)                                                                                             \
    if (!strcmp(section, #name))                                                                                  \
        return text;
#define X(section, key, KIND, def, min, max, unit, text)
    DAEMON_SETTINGS_TABLE(S, X)
#undef X
#undef S
    return "";
}

void daemon_settings_write(FILE *out, const struct daemon_settings *values) {
    size_t count;
    const struct daemon_setting *rows = daemon_setting_rows(&count);
    fputs("# Configuration of inspectd. Every setting is listed with its default; remove the # to change one.\n"
          "# `inspectd check-config --config FILE` checks a file; `-o section.key=value` overrides it.\n",
          out);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(rows[i].section, rows[i - 1].section) != 0) {
            fprintf(out, "\n[%s]\n", rows[i].section);
            print_comment(out, section_text(rows[i].section));
        }
        print_setting(out, &rows[i], values);
    }
}

void daemon_settings_help(FILE *out) {
    size_t count;
    const struct daemon_setting *rows = daemon_setting_rows(&count);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %s.%s=%s  (", rows[i].section, rows[i].key,
                *rows[i].default_text ? rows[i].default_text : "\"\"");
        print_range(out, &rows[i]);
        fputs(")\n", out);
        for (const char *p = rows[i].text; *p;) {
            int n = (int)strcspn(p, "\n");
            fprintf(out, "      %.*s\n", n, p);
            p += n + (p[n] == '\n');
        }
    }
}
