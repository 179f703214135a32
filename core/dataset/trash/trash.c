#include "core/dataset/trash/trash.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/base/uuid.h"
#include "core/dataset/dataset_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DESCRIPTION "change.json"
enum { DESCRIPTION_BYTES_MAX = 2 << 20 };

int insp_trash_open(const char *set, const char *id, bool make, int *ret_fd, struct insp_error *reterr) {
    _cleanup_close_ int root = open(set, O_RDONLY | O_DIRECTORY | O_CLOEXEC), trash = -1;
    if (root < 0)
        return insp_fail_errno(reterr, errno, "cannot open the dataset %s", set);
    int r = insp_dataset_folder_at(root, INSP_TRASH, make, &trash, reterr);
    if (r < 0)
        return r;
    if (id)
        return insp_dataset_folder_at(trash, id, make, ret_fd, reterr);
    *ret_fd = trash;
    trash = -1;
    return 0;
}

int insp_trash_remove(const char *set, const char *id, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/" INSP_TRASH "/%s", set, id);
    return r < 0 ? r : insp_remove_tree(path, reterr);
}

void insp_trash_drop(const char *set, const char *id) {
    _cleanup_close_ int trash = -1, folder = -1;
    if (insp_trash_open(set, NULL, false, &trash, NULL) < 0 ||
        insp_dataset_folder_at(trash, id, false, &folder, NULL) < 0)
        return;
    unlinkat(folder, DESCRIPTION, 0);
    unlinkat(trash, id, AT_REMOVEDIR);
}

int insp_trash_write(const char *set, const char *id, json_t *json, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_close_ int folder = -1;
    _cleanup_free_ char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to describe a change");
    int r = insp_trash_open(set, id, true, &folder, reterr);
    if (r == 0)
        r = insp_path(path, reterr, "%s/" INSP_TRASH "/%s/" DESCRIPTION, set, id);
    return r < 0 ? r : insp_write_file(path, text, strlen(text), 0640, true, reterr);
}

int insp_trash_read(const char *set, const char *id, json_t **ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_close_ int folder = -1;
    _cleanup_free_ char *text = NULL;
    size_t bytes = 0;
    struct insp_error why = {0};
    int r = insp_trash_open(set, id, false, &folder, &why);
    if (r == INSP_E_NOT_FOUND)
        return insp_fail(reterr, r, "there is no such change: it has been undone, or the trash was emptied");
    if (r < 0)
        return insp_fail(reterr, r, "%s", why.detail);
    r = insp_path(path, reterr, "%s/" INSP_TRASH "/%s/" DESCRIPTION, set, id);
    if (r == 0)
        r = insp_read_file(path, DESCRIPTION_BYTES_MAX, &text, &bytes, reterr);
    if (r < 0)
        return r;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_array(json_object_get(json, "steps"))) {
        json_decref(json);
        return insp_fail(reterr, INSP_E_IO, "%s is damaged", path);
    }
    *ret = json;
    return 0;
}

static int newest_first(const struct dirent **a, const struct dirent **b) {
    return strcmp((*b)->d_name, (*a)->d_name);
}

static int is_change(const struct dirent *entry) {
    return insp_uuid_valid(entry->d_name);
}

int insp_trash_list(const char *set, struct dirent ***ret, size_t *ret_count, struct insp_error *reterr) {
    _cleanup_close_ int trash = -1;
    struct insp_error why = {0};
    *ret = NULL;
    *ret_count = 0;
    int r = insp_trash_open(set, NULL, false, &trash, &why);
    if (r == INSP_E_NOT_FOUND)
        return 0;
    if (r < 0)
        return insp_fail(reterr, r, "%s", why.detail);
    int count = scandirat(trash, ".", ret, is_change, newest_first);
    if (count < 0)
        return insp_fail_errno(reterr, errno, "cannot list the trash of %s", set);
    *ret_count = (size_t)count;
    return 0;
}

void insp_trash_list_free(struct dirent **ids, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(ids[i]);
    free(ids);
}
