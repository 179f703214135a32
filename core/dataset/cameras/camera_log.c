#include "core/dataset/cameras/camera_log.h"

#include "core/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIGITS = INSP_SHA256_HEX_BYTES - 1 };

static int path_of(const char *set, char *ret, struct insp_error *reterr) {
    return insp_path(ret, reterr, "%s/.cameras", set);
}

int insp_camera_log_add(const char *set, const char *sha256, const char *camera, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES], line[2 + DIGITS + 256];
    int r = path_of(set, path, reterr);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return errno == ELOOP ? insp_fail(reterr, INSP_E_FORBIDDEN, "%s is a link", path)
                              : insp_fail_errno(reterr, errno, "cannot write %s", path);
    /* The line break before it ends a line that a full disk has cut off. */
    int n = snprintf(line, sizeof line, "\n%.64s %.200s\n", sha256, camera);
    int error = -insp_write_all(fd, line, (size_t)n);
    if (!error && fsync(fd) < 0)
        error = errno;
    return error ? insp_fail_errno(reterr, error, "cannot write %s", path) : 0;
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

int insp_dataset_cameras(struct insp_dataset *dataset, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *text = NULL;
    size_t bytes, lines = 1;
    int r = path_of(dataset->root, path, reterr);
    if (r < 0 || access(path, F_OK) < 0)
        return r;
    r = insp_read_file(path, INSP_CAMERA_LOG_BYTES_MAX, &text, &bytes, reterr);
    if (r < 0)
        return r;
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    _cleanup_free_ struct entry *entry = calloc(lines, sizeof *entry);
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
