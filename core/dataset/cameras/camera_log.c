#include "core/dataset/cameras/camera_log.h"

#include "core/base/fs.h"
#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIGITS = INSP_SHA256_HEX_BYTES - 1 };

static int path_of(const char *set, char *ret, struct insp_error *reterr) {
    return insp_path(ret, reterr, "%s/.cameras", set);
}

struct entry {
    const char *sha256, *camera; /* ends of lines are NULs */
    size_t line;
};

static int by_hash_then_line(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    int order = strcmp(x->sha256, y->sha256);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Splits the text in place; returns the number of entries. */
static size_t parse(char *text, struct entry *entry) {
    size_t n = 0;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (!next)
            break; /* a line without an end is torn */
        *next++ = '\0';
        if (strlen(line) <= DIGITS + 1 || line[DIGITS] != ' ')
            continue;
        line[DIGITS] = '\0';
        if (insp_sha256_hex_valid(line)) {
            entry[n] = (struct entry){line, line + DIGITS + 1, n};
            n++;
        }
    }
    qsort(entry, n, sizeof *entry, by_hash_then_line);
    return n;
}

/* Returns the last entry with this hash, NULL if there is none. */
static const struct entry *find(const struct entry *entry, size_t count, const char *sha256) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(entry[middle].sha256, sha256) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low && !strcmp(entry[low - 1].sha256, sha256) ? &entry[low - 1] : NULL;
}

/* Makes a text of bytes. A power cut may leave NULs where bytes were announced but not written; they end a line
 * like any other rubbish. text: [bytes + 1]. */
static void clean(char *text, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (!text[i])
            text[i] = '\n';
    text[bytes] = '\0';
}

/* Reads the log. *ret is the caller's. */
static int read_log(const char *path, char **ret, size_t *ret_bytes, struct insp_error *reterr) {
    int r = insp_read_file(path, INSP_CAMERA_LOG_BYTES_MAX, ret, ret_bytes, reterr);
    if (r == 0)
        clean(*ret, *ret_bytes);
    return r;
}

/* Reads the lines that begin in the last INSP_CAMERA_LOG_STEP bytes: an import of many images would otherwise read
 * the whole log for each of them. *ret is the caller's, *ret_lines a part of it; *ret_bytes: of the whole log. */
static int read_end(int fd, const char *path, char **ret, const char **ret_lines, size_t *ret_bytes,
                    struct insp_error *reterr) {
    struct stat st;
    if (fstat(fd, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot examine %s", path);
    if (!S_ISREG(st.st_mode) || st.st_size > INSP_CAMERA_LOG_BYTES_MAX)
        return insp_fail(reterr, INSP_E_IO, "%s is not a regular file of at most %d bytes", path,
                         INSP_CAMERA_LOG_BYTES_MAX);
    const off_t from = st.st_size > INSP_CAMERA_LOG_STEP ? st.st_size - INSP_CAMERA_LOG_STEP : 0;
    size_t bytes = 0;
    _cleanup_free_ char *text = malloc((size_t)(st.st_size - from) + 1);
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the end of %s", path);
    int r = lseek(fd, from, SEEK_SET) < 0 ? -errno : insp_read_all(fd, text, (size_t)(st.st_size - from), &bytes);
    if (r < 0)
        return insp_fail_errno(reterr, -r, "cannot read %s", path);
    clean(text, bytes);
    *ret_bytes = (size_t)st.st_size;
    *ret_lines = from ? strchr(text, '\n') : text;
    if (!*ret_lines)
        *ret_lines = text + bytes;
    *ret = insp_take_ptr(text);
    return 0;
}

/* Says whether the last line of a hash names this camera already. */
static bool known(const char *text, const char *sha256, const char *camera) {
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, sha256)); at += DIGITS)
        if ((at == text || at[-1] == '\n') && at[DIGITS] == ' ' && strchr(at, '\n'))
            last = at + DIGITS + 1;
    return last && !strncmp(last, camera, strlen(camera)) && last[strlen(camera)] == '\n';
}

static size_t count_lines(const char *text) {
    size_t lines = 1;
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    return lines;
}

/* Writes the log anew, with the last line of each hash alone. */
static int compact(const char *path, struct insp_error *reterr) {
    _cleanup_free_ char *text = NULL;
    size_t bytes = 0;
    int r = read_log(path, &text, &bytes, reterr);
    if (r < 0)
        return r;
    _cleanup_free_ struct entry *entry = calloc(count_lines(text), sizeof *entry);
    _cleanup_free_ char *kept = malloc(bytes + 1);
    if (!entry || !kept)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to shorten %s", path);
    size_t count = parse(text, entry), used = 0;
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || strcmp(entry[i].sha256, entry[i + 1].sha256) != 0)
            used += (size_t)snprintf(kept + used, bytes + 1 - used, "%s %s\n", entry[i].sha256, entry[i].camera);
    return insp_write_file(path, kept, used, 0640, true, reterr);
}

/* Opens the log under a lock. One that was written anew meanwhile is another file, so it is opened again. */
static int open_locked(const char *path, int *ret, struct insp_error *reterr) {
    for (;;) {
        struct stat mine, named;
        _cleanup_close_ int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd < 0)
            return errno == ELOOP ? insp_fail(reterr, INSP_E_FORBIDDEN, "%s is a link", path)
                                  : insp_fail_errno(reterr, errno, "cannot write %s", path);
        int r = insp_lock(fd, INSP_LOCK_WAIT);
        if (r < 0 || fstat(fd, &mine) < 0)
            return insp_fail_errno(reterr, r < 0 ? -r : errno, "cannot lock %s", path);
        if (lstat(path, &named) == 0 && named.st_ino == mine.st_ino && named.st_dev == mine.st_dev) {
            *ret = insp_take_fd(fd);
            return 0;
        }
    }
}

int insp_camera_log_add(const char *set, const char *sha256, const char *camera, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES], line[2 + DIGITS + 256];
    _cleanup_close_ int fd = -1;
    _cleanup_free_ char *text = NULL;
    const char *lines = NULL;
    struct insp_error why;
    size_t bytes = 0;
    int r = path_of(set, path, reterr);
    if (r == 0)
        r = open_locked(path, &fd, reterr);
    if (r == 0)
        r = read_end(fd, path, &text, &lines, &bytes, reterr);
    if (r < 0 || !lines || known(lines, sha256, camera))
        return r;
    /* The line break before it ends a line that a full disk has cut off. */
    int n = snprintf(line, sizeof line, "\n%.64s %.200s\n", sha256, camera);
    int error = -insp_write_all(fd, line, (size_t)n);
    if (!error && fsync(fd) < 0)
        error = errno;
    if (error)
        return insp_fail_errno(reterr, error, "cannot write %s", path);
    /* The line is stored, whether the log becomes shorter or not; the next step tries again. */
    if (bytes / INSP_CAMERA_LOG_STEP != (bytes + (size_t)n) / INSP_CAMERA_LOG_STEP && compact(path, &why) < 0)
        insp_log_warning("a log of cameras was not shortened detail=%s", INSP_LOG_QUOTED(why.detail));
    return 0;
}

int insp_dataset_cameras(struct insp_dataset *dataset, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    int r = path_of(dataset->root, path, reterr);
    if (r < 0 || access(path, F_OK) < 0)
        return r;
    r = read_log(path, &text, &bytes, reterr);
    if (r < 0)
        return r;
    _cleanup_free_ struct entry *entry = calloc(count_lines(text), sizeof *entry);
    if (!entry)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the cameras of %s", dataset->root);
    size_t count = parse(text, entry);
    for (size_t i = 0; i < dataset->count; i++) {
        const struct entry *found = find(entry, count, dataset->item[i].sha256);
        dataset->item[i].camera = found ? found->camera : NULL;
    }
    free(dataset->cameras);
    dataset->cameras = insp_take_ptr(text);
    return 0;
}
