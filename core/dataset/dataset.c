#include "core/dataset/dataset.h"

#include "core/base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define LAYOUT                                                                                                    \
    "the layout is train/good/*.png, test/good/*.png and test/<defect>/*.png (or .jpg, .jpeg) inside the set's "  \
    "folder"

/* An item before the strata are known. */
struct found {
    char *path; /* owned until it moves into the dataset */
    char class[INSP_NAME_BYTES];
    uint64_t bytes;
};

struct scan {
    char root[INSP_PATH_BYTES]; /* resolved */
    struct found *found;
    size_t count, room, ignored;
};

static void scan_clear(struct scan *scan) {
    for (size_t i = 0; i < scan->count; i++)
        free(scan->found[i].path);
    free(scan->found);
}

bool insp_dataset_image_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg"));
}

/* Where a link leads must lie inside the set: a set that is uploaded or mounted must not read other parts of the
 * disk. */
static int check_inside(const struct scan *scan, const char *path, struct insp_error *reterr) {
    char resolved[INSP_PATH_BYTES];
    if (!realpath(path, resolved))
        return insp_fail_errno(reterr, errno, "cannot follow the link %s", path);
    size_t n = strlen(scan->root);
    if (strncmp(resolved, scan->root, n) || resolved[n] != '/')
        return insp_fail(reterr, INSP_E_FORBIDDEN, "%s is a link out of the dataset %s", path, scan->root);
    return 0;
}

/* What a folder entry is, links resolved. */
static int look_at(const struct scan *scan, const char *path, struct stat *ret, struct insp_error *reterr) {
    struct stat st;
    if (lstat(path, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot look at %s", path);
    if (S_ISLNK(st.st_mode)) {
        int r = check_inside(scan, path, reterr);
        if (r < 0)
            return r;
        if (stat(path, &st) < 0)
            return insp_fail_errno(reterr, errno, "cannot look at %s", path);
    }
    *ret = st;
    return 0;
}

static int take(struct scan *scan, const char *path, const char *class, uint64_t bytes,
                struct insp_error *reterr) {
    if (scan->count == INSP_DATASET_IMAGES_MAX)
        return insp_fail(reterr, INSP_E_DATASET, "%s has more than %d images", scan->root,
                         INSP_DATASET_IMAGES_MAX);
    if (scan->count == scan->room) {
        size_t room = scan->room ? 2 * scan->room : 256;
        struct found *grown = reallocarray(scan->found, room, sizeof *grown);
        if (!grown)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %zu images", room);
        scan->found = grown;
        scan->room = room;
    }
    struct found *found = &scan->found[scan->count];
    found->path = strdup(path);
    if (!found->path)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %s", path);
    memcpy(found->class, class, strlen(class) + 1);
    found->bytes = bytes;
    scan->count++;
    return 0;
}

static void closedirp(DIR **dir) {
    if (*dir)
        closedir(*dir);
}

typedef int visit_entry(struct scan *scan, const char *path, const char *name, const struct stat *st,
                        const char *class, struct insp_error *reterr);

/* Calls visit for each entry that is not hidden. */
static int for_each_entry(struct scan *scan, const char *folder, const char *class, visit_entry *visit,
                          struct insp_error *reterr) {
    _cleanup_(closedirp) DIR *dir = opendir(folder);
    if (!dir)
        return insp_fail_errno(reterr, errno, "cannot open folder %s", folder);
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? insp_fail_errno(reterr, errno, "cannot list %s", folder) : 0;
        if (entry->d_name[0] == '.')
            continue;
        char path[INSP_PATH_BYTES];
        struct stat st;
        int r = insp_path(path, reterr, "%s/%s", folder, entry->d_name);
        if (r < 0 || (r = look_at(scan, path, &st, reterr)) < 0 ||
            (r = visit(scan, path, entry->d_name, &st, class, reterr)) < 0)
            return r;
    }
}

static int visit_file(struct scan *scan, const char *path, const char *name, const struct stat *st,
                      const char *class, struct insp_error *reterr) {
    if (S_ISREG(st->st_mode) && insp_dataset_image_name(name))
        return take(scan, path, class, (uint64_t)st->st_size, reterr);
    scan->ignored++;
    return 0;
}

static int visit_class(struct scan *scan, const char *path, const char *name, const struct stat *st,
                       const char *class, struct insp_error *reterr) {
    (void)class;
    if (!S_ISDIR(st->st_mode)) {
        scan->ignored++;
        return 0;
    }
    if (!insp_name_valid(name))
        return insp_fail(
            reterr, INSP_E_DATASET,
            "%s: a defect's folder is named with 1 to 64 of A-Z a-z 0-9 . _ - (not starting with . or -)", path);
    return for_each_entry(scan, path, name, visit_file, reterr);
}

/* train or test. A set without the one may still be whole by the other. */
static int scan_part(struct scan *scan, const char *part, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r = insp_path(folder, reterr, "%s/%s", scan->root, part);
    if (r < 0)
        return r;
    struct stat st;
    if (lstat(folder, &st) < 0 && errno == ENOENT)
        return 0;
    if ((r = look_at(scan, folder, &st, reterr)) < 0)
        return r;
    if (!S_ISDIR(st.st_mode))
        return insp_fail(reterr, INSP_E_DATASET, "%s is not a folder; " LAYOUT, folder);
    return for_each_entry(scan, folder, NULL, visit_class, reterr);
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct found *)a)->path, ((const struct found *)b)->path);
}

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

static bool is_good(const char *class) {
    return !strcmp(class, "good");
}

/* The defect types, sorted, behind "good". */
static int name_strata(const struct scan *scan, struct insp_dataset *d, struct insp_error *reterr) {
    d->stratum = calloc(INSP_DATASET_STRATA_MAX, sizeof *d->stratum);
    d->stratum_size = calloc(INSP_DATASET_STRATA_MAX, sizeof *d->stratum_size);
    if (!d->stratum || !d->stratum_size)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %s", scan->root);
    snprintf(d->stratum[0], INSP_NAME_BYTES, "good");
    d->stratum_count = 1;
    for (size_t i = 0; i < scan->count; i++) {
        const char *class = scan->found[i].class;
        size_t others = d->stratum_count - 1;
        if (is_good(class) || lfind(class, d->stratum[1], &others, sizeof *d->stratum, by_name))
            continue;
        if (d->stratum_count == INSP_DATASET_STRATA_MAX)
            return insp_fail(reterr, INSP_E_DATASET, "%s has more than %d defect types", scan->root,
                             INSP_DATASET_STRATA_MAX - 1);
        memcpy(d->stratum[d->stratum_count++], class, strlen(class) + 1);
    }
    qsort(d->stratum[1], d->stratum_count - 1, sizeof *d->stratum, by_name);
    return 0;
}

/* Moves what was found into the dataset. */
static int take_items(struct scan *scan, struct insp_dataset *d, struct insp_error *reterr) {
    d->item = calloc(scan->count + 1, sizeof *d->item);
    if (!d->item)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %zu images", scan->count);
    if (scan->count) /* without any found is NULL, which qsort does not take */
        qsort(scan->found, scan->count, sizeof *scan->found, by_path);
    for (; d->count < scan->count; d->count++) {
        struct found *found = &scan->found[d->count];
        struct insp_dataset_item *item = &d->item[d->count];
        item->path = insp_take_ptr(found->path);
        item->bytes = found->bytes;
        if (!is_good(found->class)) {
            const char *at =
                bsearch(found->class, d->stratum[1], d->stratum_count - 1, sizeof *d->stratum, by_name);
            item->stratum = (size_t)(at - d->stratum[0]) / sizeof *d->stratum;
            item->label = INSP_CLASS_ANOMALY;
        }
        d->stratum_size[item->stratum]++;
    }
    d->ignored = scan->ignored;
    return 0;
}

static int build(struct scan *scan, struct insp_dataset **ret, struct insp_error *reterr) {
    _cleanup_(insp_dataset_freep) struct insp_dataset *d = calloc(1, sizeof *d);
    if (!d || !(d->root = strdup(scan->root)))
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %s", scan->root);
    int r = name_strata(scan, d, reterr);
    if (r < 0 || (r = take_items(scan, d, reterr)) < 0)
        return r;
    *ret = insp_take_ptr(d);
    return 0;
}

int insp_dataset_list(const char *root, struct insp_dataset **ret, struct insp_error *reterr) {
    _cleanup_(scan_clear) struct scan scan = {0};
    if (!realpath(root, scan.root)) {
        if (errno == ENOENT || errno == ENOTDIR)
            return insp_fail(reterr, INSP_E_DATASET, "there is no folder %s; " LAYOUT, root);
        return insp_fail_errno(reterr, errno, "cannot open dataset %s", root);
    }
    int r = scan_part(&scan, "train", reterr);
    if (r < 0 || (r = scan_part(&scan, "test", reterr)) < 0)
        return r;
    return build(&scan, ret, reterr);
}

int insp_dataset_open(const char *root, struct insp_dataset **ret, struct insp_error *reterr) {
    _cleanup_(insp_dataset_freep) struct insp_dataset *d = NULL;
    int r = insp_dataset_list(root, &d, reterr);
    if (r < 0)
        return r;
    size_t good = d->stratum_size[0];
    if (!good || good == d->count)
        return insp_fail(reterr, INSP_E_DATASET, "%s has no %s images; " LAYOUT, d->root,
                         good ? "defect" : "good");
    *ret = insp_take_ptr(d);
    return 0;
}

void insp_dataset_free(struct insp_dataset *dataset) {
    if (!dataset)
        return;
    for (size_t i = 0; i < dataset->count; i++)
        free(dataset->item[i].path);
    free(dataset->item);
    free(dataset->stratum);
    free(dataset->stratum_size);
    free(dataset->root);
    free(dataset);
}

typedef char line[INSP_SHA256_HEX_BYTES + INSP_NAME_BYTES + 1]; /* "sha256 stratum\n" */

static int by_line(const void *a, const void *b) {
    return strcmp(a, b);
}

/* lines [count], sorted here; joined in place, as each line only ever moves towards the front. */
static void digest_lines(line *lines, size_t count, char *ret_digest) {
    qsort(lines, count, sizeof *lines, by_line);
    char *text = (char *)lines;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(lines[i]);
        memmove(text + bytes, lines[i], n);
        bytes += n;
    }
    insp_sha256_hex(text, bytes, ret_digest);
}

int insp_dataset_hash(struct insp_dataset *dataset, const struct insp_progress *progress, bool skip_unreadable,
                      char *ret_digest, struct insp_error *reterr) {
    _cleanup_free_ line *lines = calloc(dataset->count + 1, sizeof *lines);
    if (!lines)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to hash %zu images", dataset->count);
    size_t hashed = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        struct insp_dataset_item *item = &dataset->item[i];
        if (insp_progress_cancelled(progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while reading the dataset");
        int r = insp_sha256_file(item->path, item->sha256, reterr);
        if (r < 0 && (!skip_unreadable || r == INSP_E_NOMEM))
            return r;
        if (r < 0)
            item->sha256[0] = '\0';
        else
            snprintf(lines[hashed++], sizeof *lines, "%s %s\n", item->sha256, dataset->stratum[item->stratum]);
        insp_progress_step(progress, i + 1, dataset->count);
    }
    digest_lines(lines, hashed, ret_digest);
    return 0;
}

json_t *insp_dataset_counts_json(const struct insp_dataset *dataset) {
    json_t *counts = json_object();
    for (size_t s = 0; counts && s < dataset->stratum_count; s++)
        if (json_object_set_new(counts, dataset->stratum[s], json_integer((json_int_t)dataset->stratum_size[s])) <
            0) {
            json_decref(counts);
            return NULL;
        }
    return counts;
}
