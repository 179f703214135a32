#include "core/jobs/dataset_sets.h"

#include "core/base/fs.h"
#include "core/base/utf8.h"
#include "core/dataset/class_name.h"
#include "core/dataset/dataset_change.h"
#include "core/dataset/dataset_place.h"
#include "core/jobs/dataset_root.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 2 };

struct search {
    const char *roots, *root;
    bool first; /* the root is the first one */
    struct insp_dataset_sets *sets;
};

void insp_dataset_sets_clear(struct insp_dataset_sets *sets) {
    for (size_t i = 0; i < sets->count; i++)
        free(sets->set[i].name);
    free(sets->set);
    *sets = (struct insp_dataset_sets){0};
}

static void closedirp(DIR **dir) {
    if (*dir)
        closedir(*dir);
}

/* Says what a folder is: a set, empty, or something else that may contain sets. */
enum kind { IS_SET, IS_EMPTY, IS_OTHER };

static enum kind look_into(const char *path) {
    _cleanup_(closedirp) DIR *dir = opendir(path);
    enum kind kind = dir ? IS_EMPTY : IS_OTHER;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (insp_dataset_split(entry->d_name))
            return IS_SET;
        if (entry->d_name[0] != '.')
            kind = IS_OTHER;
    }
    return kind;
}

static bool usable_name(const char *name) {
    char clean[INSP_PATH_BYTES];
    if (name[0] == '.' || insp_class_name_system(name) || strlen(name) >= sizeof clean)
        return false;
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return false;
    snprintf(clean, sizeof clean, "%s", name);
    insp_utf8_clean(clean);
    return !strcmp(clean, name);
}

/* Says whether a job that names `relative` reads this folder. */
static bool reached(const struct search *search, const char *relative) {
    char path[INSP_PATH_BYTES];
    for (size_t i = 0; i < search->sets->count; i++)
        if (!strcmp(search->sets->set[i].name, relative))
            return false; /* an earlier root has it */
    return insp_dataset_resolve(search->roots, relative, path, NULL) == 0;
}

static int add(const struct search *search, const char *relative, struct insp_error *reterr) {
    struct insp_dataset_sets *sets = search->sets;
    if (!reached(search, relative))
        return 0;
    sets->more = sets->count == INSP_SETS_MAX;
    if (sets->more)
        return 0;
    struct insp_dataset_set *grown = reallocarray(sets->set, sets->count + 1, sizeof *grown);
    if (grown)
        sets->set = grown;
    char *copy = grown ? strdup(relative) : NULL;
    if (!copy)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list the datasets");
    sets->set[sets->count++] = (struct insp_dataset_set){copy, search->first && insp_name_valid(relative)};
    return 0;
}

/* Looks at the folders below <root>/<above>. */
static int walk(const struct search *search, const char *above, int depth, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r = insp_path(folder, reterr, "%s%s%s", search->root, *above ? "/" : "", above);
    if (r < 0)
        return r;
    _cleanup_(closedirp) DIR *dir = opendir(folder);
    if (!dir && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
        return insp_fail_errno(reterr, errno, "cannot list the datasets in %s", folder);
    for (struct dirent *entry; r == 0 && dir && !search->sets->more && (entry = readdir(dir));) {
        char path[INSP_PATH_BYTES], relative[INSP_PATH_BYTES];
        bool folder_like = entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
        if (!folder_like || !usable_name(entry->d_name) ||
            insp_path(path, NULL, "%s/%s", folder, entry->d_name) < 0 ||
            insp_path(relative, NULL, "%s%s%s", above, *above ? "/" : "", entry->d_name) < 0)
            continue;
        enum kind kind = look_into(path);
        if (kind == IS_SET || (kind == IS_EMPTY && depth == 1 && search->first && entry->d_type == DT_DIR))
            r = add(search, relative, reterr);
        else if (kind == IS_OTHER && depth < DEPTH)
            r = walk(search, relative, depth + 1, reterr);
    }
    return r;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct insp_dataset_set *)a)->name, ((const struct insp_dataset_set *)b)->name);
}

int insp_dataset_sets_find(const char *roots, struct insp_dataset_sets *ret, struct insp_error *reterr) {
    struct insp_dataset_sets sets = {0};
    _cleanup_free_ char *copy = strdup(roots);
    if (!copy)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list the datasets");
    struct search search = {.roots = roots, .first = true, .sets = &sets};
    char *rest = NULL;
    int r = 0;
    for (char *root = strtok_r(copy, ":", &rest); root && r == 0; root = strtok_r(NULL, ":", &rest)) {
        search.root = root;
        r = walk(&search, "", 1, reterr);
        search.first = false;
    }
    if (r < 0) {
        insp_dataset_sets_clear(&sets);
        return r;
    }
    if (sets.count)
        qsort(sets.set, sets.count, sizeof *sets.set, by_name);
    *ret = sets;
    return 0;
}

int insp_dataset_sets_forget(const char *roots, int64_t before_us, size_t *ret_count, struct insp_error *reterr) {
    _cleanup_(insp_dataset_sets_clear) struct insp_dataset_sets sets = {0};
    *ret_count = 0;
    int first = insp_dataset_sets_find(roots, &sets, reterr);
    for (size_t i = 0; i < sets.count; i++) {
        char path[INSP_PATH_BYTES];
        size_t count = 0;
        struct insp_error why = {0};
        if (!sets.set[i].own || insp_dataset_resolve(roots, sets.set[i].name, path, NULL) < 0)
            continue;
        int r = insp_dataset_changes_forget(path, before_us, &count, &why);
        *ret_count += count;
        if (r < 0 && first == 0)
            first = insp_fail(reterr, r, "%s: %s", sets.set[i].name, why.detail);
    }
    return first;
}
