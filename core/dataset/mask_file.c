#include "core/dataset/mask_file.h"

#include "core/base/below.h"
#include "core/base/fs.h"
#include "core/dataset/class_name.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* Resolves the links of a path. Returns 1 if there is no such file. */
static int resolve(const struct insp_dataset *dataset, const char *path, char *ret_path,
                   struct insp_error *reterr) {
    char resolved[INSP_PATH_BYTES];
    int found = insp_resolve_below(dataset->root, path, resolved);
    if (found < 0)
        return found == -ENOENT || found == -ENOTDIR || found == -ENAMETOOLONG
                   ? 1
                   : insp_fail_errno(reterr, -found, "cannot follow the path %s", path);
    if (found != INSP_BELOW)
        return insp_fail(reterr, INSP_E_FORBIDDEN, "%s is a link out of the dataset %s", path, dataset->root);
    memcpy(ret_path, resolved, strlen(resolved) + 1);
    return 0;
}

bool insp_mask_may_have(const struct insp_dataset *dataset, const struct insp_dataset_item *item) {
    const char *relative = item->path + strlen(dataset->root) + 1;
    return item->label == INSP_CLASS_ANOMALY && !strncasecmp(relative, "test/", 5);
}

/* Finds <set>/ground_truth/<class folder>/<name><end> for the first of the ends that exists. ret_end: its place;
 * unset if there is none. */
static int find(const struct insp_dataset *dataset, const struct insp_dataset_item *item, const char *const *end,
                size_t ends, char *ret_path, size_t *ret_end, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    const char *relative = item->path + strlen(dataset->root) + 1, *name = strrchr(item->path, '/') + 1,
               *folder = strchr(relative, '/') + 1;
    *ret_path = '\0';
    if (!insp_mask_may_have(dataset, item))
        return 0;
    int r = 1;
    for (size_t i = 0; i < ends && r == 1; i++) {
        r = insp_path(path, reterr, "%s/ground_truth/%.*s%.*s%s", dataset->root, (int)(name - folder), folder,
                      (int)(strrchr(name, '.') - name), name, end[i]);
        if (r == 0)
            r = resolve(dataset, path, ret_path, reterr);
        if (r == 0)
            *ret_end = i;
    }
    return r < 0 ? r : 0;
}

int insp_mask_find(const struct insp_dataset *dataset, const struct insp_dataset_item *item, char *ret_path,
                   bool *ret_same_name, struct insp_error *reterr) {
    static const char *const end[] = {INSP_MASK_ENDS};
    size_t found = 0;
    int r = find(dataset, item, end, INSP_COUNT(end), ret_path, &found, reterr);
    if (r == 0 && *ret_path && ret_same_name)
        *ret_same_name = found > 0;
    return r;
}

int insp_box_find(const struct insp_dataset *dataset, const struct insp_dataset_item *item, char *ret_path,
                  struct insp_error *reterr) {
    static const char *const end[] = {INSP_BOX_END};
    size_t found;
    return find(dataset, item, end, INSP_COUNT(end), ret_path, &found, reterr);
}

/* Tools that write boxes leave the names of their classes beside them, in classes.txt. */
static bool mark_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return name[0] != '.' && dot &&
           (!strcasecmp(dot, ".png") || (!strcasecmp(dot, INSP_BOX_END) && strcmp(name, "classes.txt") != 0));
}

/* Counts the files with the name of a mask or of boxes `depth` levels below a folder. */
static size_t count_files(const char *folder, int depth) {
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[INSP_PATH_BYTES];
        if (depth == 0)
            count += mark_name(entry->d_name);
        else if (entry->d_name[0] != '.' && !insp_class_name_system(entry->d_name) &&
                 insp_path(path, NULL, "%s/%s", folder, entry->d_name) == 0)
            count += count_files(path, depth - 1);
    }
    if (dir)
        closedir(dir);
    return count;
}

void insp_mask_count(struct insp_dataset *dataset) {
    char path[INSP_PATH_BYTES];
    struct insp_scan *scan = &dataset->scan;
    size_t used = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        const struct insp_dataset_item *item = &dataset->item[i];
        bool same_name = false;
        if (item->label != INSP_CLASS_ANOMALY)
            continue;
        scan->defective++;
        const bool masked = insp_mask_find(dataset, item, path, &same_name, NULL) == 0 && *path;
        const bool boxed = insp_box_find(dataset, item, path, NULL) == 0 && *path;
        used += (size_t)masked + boxed;
        scan->masked += masked;
        scan->masked_by_name += masked && same_name;
        scan->boxed += boxed && !masked;
    }
    size_t files = insp_path(path, NULL, "%s/ground_truth", dataset->root) == 0 ? count_files(path, 1) : 0;
    scan->unused_marks = files > used ? files - used : 0;
}
