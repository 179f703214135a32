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

/* Finds <set>/ground_truth/<class folder>/<name><end> for the first of the ends that exists. ret_end: its place;
 * unset if there is none. */
static int find(const struct insp_dataset *dataset, const struct insp_dataset_item *item, const char *const *end,
                size_t ends, char *ret_path, size_t *ret_end, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    const char *relative = item->path + strlen(dataset->root) + 1, *name = strrchr(item->path, '/') + 1,
               *folder = strchr(relative, '/') + 1;
    *ret_path = '\0';
    if (item->label != INSP_CLASS_ANOMALY || strncasecmp(relative, "test/", 5) != 0)
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
    static const char *const end[] = {"_mask.png", ".png"};
    size_t found = 0;
    int r = find(dataset, item, end, INSP_COUNT(end), ret_path, &found, reterr);
    if (r == 0 && *ret_path && ret_same_name)
        *ret_same_name = found > 0;
    return r;
}

int insp_box_find(const struct insp_dataset *dataset, const struct insp_dataset_item *item, char *ret_path,
                  struct insp_error *reterr) {
    static const char *const end[] = {".txt"};
    size_t found;
    return find(dataset, item, end, INSP_COUNT(end), ret_path, &found, reterr);
}

static bool png_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return name[0] != '.' && dot && !strcasecmp(dot, ".png");
}

/* Counts the PNG files `depth` levels below a folder. */
static size_t count_files(const char *folder, int depth) {
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[INSP_PATH_BYTES];
        if (depth == 0)
            count += png_name(entry->d_name);
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
    for (size_t i = 0; i < dataset->count; i++) {
        bool same_name = false;
        if (dataset->item[i].label != INSP_CLASS_ANOMALY)
            continue;
        scan->defective++;
        if (insp_mask_find(dataset, &dataset->item[i], path, &same_name, NULL) < 0 || !*path)
            continue;
        scan->masked++;
        scan->masked_by_name += same_name;
    }
    size_t files = insp_path(path, NULL, "%s/ground_truth", dataset->root) == 0 ? count_files(path, 1) : 0;
    scan->unused_masks = files > scan->masked ? files - scan->masked : 0;
}
