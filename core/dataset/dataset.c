#include "core/dataset/dataset.h"

#include "core/base/below.h"
#include "core/base/fs.h"
#include "core/base/utf8.h"
#include "core/dataset/class_name.h"
#include "core/dataset/dataset_place.h"

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

/* An image found before the strata are known. */
struct found {
    char *path; /* owned until it moves into the dataset */
    char class[INSP_NAME_BYTES];
    uint64_t bytes;
};

struct walk {
    char root[INSP_PATH_BYTES]; /* resolved */
    struct found *found;
    size_t count, room;
    struct insp_scan scan;
};

static void walk_clear(struct walk *walk) {
    for (size_t i = 0; i < walk->count; i++)
        free(walk->found[i].path);
    free(walk->found);
    insp_scan_clear(&walk->scan);
}

bool insp_dataset_image_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg"));
}

static const char *relative(const struct walk *walk, const char *path) {
    return path + strlen(walk->root) + 1;
}

/* Checks that a link ends inside the dataset: an uploaded or mounted dataset must not read other parts of the
 * disk. Returns 1 for a broken link. */
static int check_inside(const struct walk *walk, const char *path, struct insp_error *reterr) {
    char resolved[INSP_PATH_BYTES];
    int found = insp_resolve_below(walk->root, path, resolved);
    if (found < 0)
        return found == -ENOENT || found == -ENOTDIR || found == -ELOOP
                   ? 1
                   : insp_fail_errno(reterr, -found, "cannot follow the link %s", path);
    if (found != INSP_BELOW)
        return insp_fail(reterr, INSP_E_FORBIDDEN, "%s is a link out of the dataset %s", path, walk->root);
    return 0;
}

/* Reads an entry's status with links resolved. Returns 1 if there is nothing to read: the entry has been removed
 * since it was listed, or it is a broken link, which is counted. */
static int look_at(struct walk *walk, const char *path, struct stat *ret, struct insp_error *reterr) {
    if (lstat(path, ret) < 0)
        return errno == ENOENT ? 1 : insp_fail_errno(reterr, errno, "cannot read the status of %s", path);
    if (!S_ISLNK(ret->st_mode))
        return 0;
    int r = check_inside(walk, path, reterr);
    if (r == 0 && stat(path, ret) < 0)
        r = errno == ENOENT ? 1 : insp_fail_errno(reterr, errno, "cannot read the status of %s", path);
    if (r == 1)
        insp_scan_pass(&walk->scan, INSP_PASSED_LINK, relative(walk, path), 0);
    return r;
}

static int take(struct walk *walk, const char *path, const char *class, uint64_t bytes,
                struct insp_error *reterr) {
    if (walk->count == INSP_DATASET_IMAGES_MAX)
        return insp_fail(reterr, INSP_E_DATASET, "%s has more than %d images", walk->root,
                         INSP_DATASET_IMAGES_MAX);
    if (walk->count == walk->room) {
        size_t room = walk->room ? 2 * walk->room : 256;
        struct found *grown = reallocarray(walk->found, room, sizeof *grown);
        if (!grown)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %zu images", room);
        walk->found = grown;
        walk->room = room;
    }
    struct found *found = &walk->found[walk->count];
    found->path = strdup(path);
    if (!found->path)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %s", path);
    memcpy(found->class, class, strlen(class) + 1);
    found->bytes = bytes;
    walk->count++;
    return 0;
}

static void closedirp(DIR **dir) {
    if (*dir)
        closedir(*dir);
}

typedef int visit_entry(struct walk *walk, const char *path, const char *name, void *arg,
                        struct insp_error *reterr);

/* Calls visit for each entry. Hidden entries and entries of the operating system are counted instead. */
static int for_each_entry(struct walk *walk, const char *folder, visit_entry *visit, void *arg,
                          struct insp_error *reterr) {
    _cleanup_(closedirp) DIR *dir = opendir(folder);
    if (!dir)
        return insp_fail_errno(reterr, errno, "cannot open folder %s", folder);
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? insp_fail_errno(reterr, errno, "cannot list %s", folder) : 0;
        const char *name = entry->d_name;
        char path[INSP_PATH_BYTES];
        if (!strcmp(name, ".") || !strcmp(name, ".."))
            continue;
        int r = insp_path(path, reterr, "%s/%s", folder, name);
        if (r < 0)
            return r;
        if (insp_class_name_system(name) || name[0] == '.')
            insp_scan_pass(&walk->scan, name[0] == '.' ? INSP_PASSED_HIDDEN : INSP_PASSED_SYSTEM,
                           relative(walk, path), 0);
        else if ((r = visit(walk, path, name, arg, reterr)) < 0)
            return r;
    }
}

/* Counts the files with an image's extension in a folder that is passed over and, `depth` levels deep, below it.
 * Links are not followed. */
static size_t count_images(const char *folder, int depth) {
    enum { COUNTED_MAX = 100000 };
    size_t count = 0;
    _cleanup_(closedirp) DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && count < COUNTED_MAX && (entry = readdir(dir));) {
        char path[INSP_PATH_BYTES];
        if (entry->d_name[0] == '.')
            continue;
        if (entry->d_type == DT_DIR && depth > 0 && insp_path(path, NULL, "%s/%s", folder, entry->d_name) == 0)
            count += count_images(path, depth - 1);
        else
            count += insp_dataset_image_name(entry->d_name);
    }
    return count;
}
enum { COUNTED_DEPTH = 4 };

static void pass_file(struct walk *walk, const char *path, const char *name, bool in_class) {
    bool format = insp_scan_other_format(name), image = insp_dataset_image_name(name);
    insp_scan_pass(&walk->scan,
                   image && !in_class ? INSP_PASSED_LOOSE
                   : format           ? INSP_PASSED_FORMAT
                                      : INSP_PASSED_FILE,
                   relative(walk, path), 0);
}

/* Writes the class of a folder's images. Bytes that are not UTF-8 and control characters become '?'. */
static int class_of(const char *path, const char *name, char ret[INSP_NAME_BYTES], struct insp_error *reterr) {
    if (strlen(name) >= INSP_NAME_BYTES)
        return insp_fail(reterr, INSP_E_DATASET, "%s: a class name may have at most %d bytes; rename the folder",
                         path, INSP_NAME_BYTES - 1);
    snprintf(ret, INSP_NAME_BYTES, "%s", insp_class_name_good(name) ? "good" : name);
    insp_utf8_clean(ret);
    for (char *c = ret; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    return 0;
}

/* A class folder while it is read. */
struct class_folder {
    const char *path, *name;
    char class[INSP_NAME_BYTES]; /* "" until the first image */
    size_t images;
};

static int visit_file(struct walk *walk, const char *path, const char *name, void *arg,
                      struct insp_error *reterr) {
    struct class_folder *folder = arg;
    struct stat st;
    int r = look_at(walk, path, &st, reterr);
    if (r != 0)
        return r < 0 ? r : 0;
    if (S_ISDIR(st.st_mode)) {
        insp_scan_pass(&walk->scan, INSP_PASSED_NESTED, relative(walk, path), count_images(path, COUNTED_DEPTH));
        return 0;
    }
    if (!S_ISREG(st.st_mode) || !insp_dataset_image_name(name)) {
        pass_file(walk, path, name, true);
        return 0;
    }
    /* The name is checked at the first image, because a folder without images may have any name. */
    if (!folder->images++ && (r = class_of(folder->path, folder->name, folder->class, reterr)) < 0)
        return r;
    (!strcasecmp(strrchr(name, '.'), ".png") ? walk->scan.png++ : walk->scan.jpeg++);
    return take(walk, path, folder->class, (uint64_t)st.st_size, reterr);
}

static int visit_class(struct walk *walk, const char *path, const char *name, void *arg,
                       struct insp_error *reterr) {
    struct class_folder folder = {.path = path, .name = name};
    struct insp_scan_folder *noted;
    struct stat st;
    (void)arg;
    int r = look_at(walk, path, &st, reterr);
    if (r != 0)
        return r < 0 ? r : 0;
    if (!S_ISDIR(st.st_mode)) {
        pass_file(walk, path, name, false);
        return 0;
    }
    if ((r = for_each_entry(walk, path, visit_file, &folder, reterr)) < 0)
        return r;
    if (!folder.images)
        insp_scan_pass(&walk->scan, INSP_PASSED_EMPTY, relative(walk, path), 0);
    else if ((r = insp_scan_folder(&walk->scan, relative(walk, path), folder.class, &noted, reterr)) == 0)
        noted->images = folder.images;
    return r;
}

/* Reads train and test, in any case: a dataset from a case-insensitive file system may have Train and Test. Either
 * may be missing. */
static int visit_part(struct walk *walk, const char *path, const char *name, void *arg,
                      struct insp_error *reterr) {
    struct stat st;
    (void)arg;
    if (!strcmp(name, "ground_truth"))
        return 0;
    if (!insp_dataset_split(name)) { /* passed over, so links may lead out */
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
            insp_scan_pass(&walk->scan, INSP_PASSED_FOLDER, name, count_images(path, COUNTED_DEPTH));
        else
            pass_file(walk, path, name, false);
        return 0;
    }
    int r = look_at(walk, path, &st, reterr);
    if (r != 0)
        return r < 0 ? r : 0;
    if (!S_ISDIR(st.st_mode))
        return insp_fail(reterr, INSP_E_DATASET, "%s is not a folder; " LAYOUT, path);
    return for_each_entry(walk, path, visit_class, NULL, reterr);
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

/* Fills the strata: "good", then the defect types sorted by name. */
static int name_strata(const struct walk *walk, struct insp_dataset *d, struct insp_error *reterr) {
    d->stratum = calloc(INSP_DATASET_STRATA_MAX, sizeof *d->stratum);
    d->stratum_size = calloc(INSP_DATASET_STRATA_MAX, sizeof *d->stratum_size);
    if (!d->stratum || !d->stratum_size)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %s", walk->root);
    snprintf(d->stratum[0], INSP_NAME_BYTES, "good");
    d->stratum_count = 1;
    for (size_t i = 0; i < walk->count; i++) {
        const char *class = walk->found[i].class;
        size_t others = d->stratum_count - 1;
        if (is_good(class) || lfind(class, d->stratum[1], &others, sizeof *d->stratum, by_name))
            continue;
        if (d->stratum_count == INSP_DATASET_STRATA_MAX)
            return insp_fail(reterr, INSP_E_DATASET, "%s has more than %d defect types", walk->root,
                             INSP_DATASET_STRATA_MAX - 1);
        memcpy(d->stratum[d->stratum_count++], class, strlen(class) + 1);
    }
    qsort(d->stratum[1], d->stratum_count - 1, sizeof *d->stratum, by_name);
    return 0;
}

/* Moves the found images and the scan into the dataset. */
static int take_items(struct walk *walk, struct insp_dataset *d, struct insp_error *reterr) {
    d->item = calloc(walk->count + 1, sizeof *d->item);
    if (!d->item)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %zu images", walk->count);
    if (walk->count) /* found may be NULL otherwise, which qsort does not accept */
        qsort(walk->found, walk->count, sizeof *walk->found, by_path);
    for (; d->count < walk->count; d->count++) {
        struct found *found = &walk->found[d->count];
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
    for (size_t r = 0; r < INSP_PASSED_REASONS; r++)
        d->ignored += r == INSP_PASSED_HIDDEN ? 0 : walk->scan.passed[r].count;
    d->scan = walk->scan;
    walk->scan = (struct insp_scan){0};
    return 0;
}

static int build(struct walk *walk, struct insp_dataset **ret, struct insp_error *reterr) {
    _cleanup_(insp_dataset_freep) struct insp_dataset *d = calloc(1, sizeof *d);
    if (!d || !(d->root = strdup(walk->root)))
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %s", walk->root);
    int r = name_strata(walk, d, reterr);
    if (r < 0 || (r = take_items(walk, d, reterr)) < 0)
        return r;
    *ret = insp_take_ptr(d);
    return 0;
}

int insp_dataset_list(const char *root, struct insp_dataset **ret, struct insp_error *reterr) {
    _cleanup_(walk_clear) struct walk walk = {0};
    int found = insp_resolve(root, walk.root);
    if (found == -ENOENT || found == -ENOTDIR)
        return insp_fail(reterr, INSP_E_DATASET, "there is no folder %s; " LAYOUT, root);
    if (found < 0)
        return insp_fail_errno(reterr, -found, "cannot open dataset %s", root);
    int r = for_each_entry(&walk, walk.root, visit_part, NULL, reterr);
    return r < 0 ? r : build(&walk, ret, reterr);
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
    free(dataset->cameras);
    free(dataset->stratum);
    free(dataset->stratum_size);
    insp_scan_clear(&dataset->scan);
    free(dataset->root);
    free(dataset);
}

typedef char line[INSP_SHA256_HEX_BYTES + INSP_NAME_BYTES + 1]; /* "sha256 stratum\n" */

static int by_line(const void *a, const void *b) {
    return strcmp(a, b);
}

/* Hashes the sorted lines [count]. They are joined in place, because each line only moves towards the front. */
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

static int by_hash_then_place(const void *a, const void *b) {
    const struct insp_dataset_item *x = *(const struct insp_dataset_item *const *)a,
                                   *y = *(const struct insp_dataset_item *const *)b;
    int order = strcmp(x->sha256, y->sha256);
    return order ? order : (x > y) - (x < y);
}

static bool below_train(const struct insp_dataset *dataset, const struct insp_dataset_item *item) {
    return !strncasecmp(item->path + strlen(dataset->root) + 1, "train/", 6);
}

/* Counts a group of images with the same content: item [count], count >= 2. */
static void count_copies(struct insp_dataset *d, const struct insp_dataset_item *const *item, size_t count) {
    size_t root = strlen(d->root) + 1;
    const struct insp_dataset_item *split = NULL, *class = NULL;
    for (size_t i = 1; i < count; i++) {
        if (below_train(d, item[i]) != below_train(d, item[0]))
            split = item[i];
        if (item[i]->stratum != item[0]->stratum)
            class = item[i];
    }
    d->scan.duplicates += count - 1;
    d->scan.across_splits += split != NULL;
    d->scan.across_classes += class != NULL;
    insp_scan_duplicate(&d->scan, item[0]->path + root,
                        (class   ? class
                         : split ? split
                                 : item[1])
                                ->path +
                            root,
                        class != NULL);
}

static int find_copies(struct insp_dataset *d, struct insp_error *reterr) {
    _cleanup_free_ const struct insp_dataset_item **item = calloc(d->count + 1, sizeof *item);
    size_t n = 0;
    if (!item)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to compare %zu images", d->count);
    for (size_t i = 0; i < d->count; i++)
        if (*d->item[i].sha256)
            item[n++] = &d->item[i];
    qsort(item, n, sizeof *item, by_hash_then_place);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && !strcmp(item[end]->sha256, item[first]->sha256);)
            end++;
        if (end - first > 1)
            count_copies(d, item + first, end - first);
    }
    d->scan.hashed = true;
    return 0;
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
    return find_copies(dataset, reterr);
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
