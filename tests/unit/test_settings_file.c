#include "core/base/fs.h"
#include "daemon/settings.h"
#include "harness.h"

#include <string.h>
#include <unistd.h>

static struct daemon_settings settings, other;
static struct insp_error err;

static int read_text(const char *text) {
    char path[] = "/tmp/inspectd-settings-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    daemon_settings_default(&settings);
    int r = daemon_settings_read(&settings, path, &err);
    unlink(path);
    return r;
}

static void ck_refused(const char *text, const char *line, const char *reason) {
    ck_insp_code(read_text(text), INSP_E_CONFIG, err);
    ck_assert_msg(strstr(err.detail, line) != NULL, "\"%s\" does not name line %s", err.detail, line);
    ck_assert_msg(strstr(err.detail, reason) != NULL, "\"%s\" does not say \"%s\"", err.detail, reason);
}

START_TEST(test_a_file_sets_what_it_names) {
    ck_insp_ok(
        read_text(
            "# comment\n[server]\nlisten = 0.0.0.0:80 ; behind\n\n[limits]\ninflight=7\n;x\nbody_bytes = 2M\n"),
        err);
    ck_assert_str_eq(settings.server_listen, "0.0.0.0:80");
    ck_assert_uint_eq(settings.limits_inflight, 7);
    ck_assert_uint_eq(settings.limits_body_bytes, 2 << 20);
    ck_assert_uint_eq(settings.limits_batch, 8);
}
END_TEST

START_TEST(test_errors_name_the_line) {
    ck_refused("[limits]\n\ninflihgt = 5\n", ":3:", "did you mean limits.inflight?");
    ck_refused("[limits]\ninflight = 5\n[limits]\ninflight = 6\n", ":4:", "already set in line 2");
    ck_refused("[limits]\ninflight = x\nbatch = y\n", ":2:", "inflight");
    ck_refused("[server]\nlisten = 127.0.0.1:1\nwhat is this\n", ":3:", "the line must be");
    ck_refused("inflight = 5\n", ":1:", "unknown setting");
    ck_refused("[limits\ninflight = 5\n", ":1:", "the line must be");
    ck_refused("[line]\n\ntakt = carpet\n", ":3:", "line.takt has the entry");
}
END_TEST

START_TEST(test_a_continued_line_is_no_second_value) {
    ck_refused("[limits]\ninflight = 5\n  6\n", ":3:", "already");
}
END_TEST

START_TEST(test_a_line_that_is_too_long) {
    char text[5000] = "[storage]\nstate_dir = ";
    memset(text + strlen(text), 'x', 4000);
    ck_refused(text, ":2:", "longer than");
}
END_TEST

START_TEST(test_a_missing_file) {
    ck_assert_int_lt(daemon_settings_read(&settings, "/nonexistent/inspectd.conf", &err), 0);
    ck_assert_ptr_nonnull(strstr(err.detail, "/nonexistent/inspectd.conf"));
}
END_TEST

static char *written(const struct daemon_settings *values) {
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(out);
    daemon_settings_write(out, values);
    fclose(out);
    return text;
}

START_TEST(test_the_sample_equals_the_table) {
    char *sample, *text = written(NULL);
    size_t bytes;
    ck_insp_ok(insp_read_file(INSP_SOURCE_DIR "/config/inspectd.conf", 1 << 20, &sample, &bytes, &err), err);
    ck_assert_msg(!strcmp(sample, text), "config/inspectd.conf differs from the table: inspectd check-config "
                                         "--print-defaults >config/inspectd.conf");
    free(sample);
    free(text);
}
END_TEST

/* Without the # before each setting, the sample sets all of them to their defaults. */
START_TEST(test_the_sample_uncommented_is_the_default) {
    char *text = written(NULL);
    for (char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        if (line[0] == '#' && line[1] != ' ') /* no blank in its place: that would continue the line before */
            memmove(line, line + 1, strlen(line));
    ck_insp_ok(read_text(text), err);
    daemon_settings_default(&other);
    ck_assert_mem_eq(&settings, &other, offsetof(struct daemon_settings, file)); /* where they came from differs */
    free(text);
}
END_TEST

START_TEST(test_what_is_written_reads_back) {
    daemon_settings_default(&other);
    ck_insp_ok(daemon_settings_override(&other, "limits.body_bytes=1025", &err), err);
    ck_insp_ok(daemon_settings_override(&other, "training.cache_half=true", &err), err);
    ck_insp_ok(daemon_settings_override(&other, "storage.image_bytes_max=3T", &err), err);
    char *text = written(&other);
    ck_insp_ok(read_text(text), err);
    ck_assert_mem_eq(&settings, &other, offsetof(struct daemon_settings, file)); /* where they came from differs */
    free(text);
}
END_TEST

START_TEST(test_help_shows_every_setting) {
    char *text = NULL, name[2 * DAEMON_KEY_BYTES];
    size_t bytes, count;
    FILE *out = open_memstream(&text, &bytes);
    const struct daemon_setting *rows = daemon_setting_rows(&count);
    daemon_settings_help(out);
    fclose(out);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s.%s=", rows[i].section, rows[i].key);
        ck_assert_msg(strstr(text, name) != NULL, "--help does not show %s", name);
    }
    free(text);
}
END_TEST

INSP_TESTS(test_a_file_sets_what_it_names, test_errors_name_the_line, test_a_continued_line_is_no_second_value,
           test_a_line_that_is_too_long, test_a_missing_file, test_the_sample_equals_the_table,
           test_the_sample_uncommented_is_the_default, test_what_is_written_reads_back,
           test_help_shows_every_setting);
