#include "core/region/field_file.h"

#include "core/base/fs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Nine digits are enough for every float. The largest set then has half of INSP_FIELD_FILE_BYTES_MAX. */
enum { FORMAT = JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9) };

int insp_field_file_load(const char *path, struct insp_field_set **ret, struct insp_error *reterr) {
    _cleanup_free_ char *text = NULL;
    json_error_t syntax;
    size_t bytes;
    *ret = NULL;
    int r = insp_read_file(path, INSP_FIELD_FILE_BYTES_MAX, &text, &bytes, reterr);
    if (r < 0)
        return r;
    /* jansson recurses up to 2048 levels, which its parser bounds. */
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &syntax);
    if (!json)
        return insp_fail(reterr, INSP_E_PARAMETER, "%s is not JSON: line %d, column %d: %s", path, syntax.line,
                         syntax.column, syntax.text);
    r = insp_field_set_parse(json, ret, reterr);
    json_decref(json);
    if (r < 0)
        insp_error_prefix(reterr, "%s", path);
    return r;
}

static int path_of(const char *state_dir, const char *product, char *ret, struct insp_error *reterr) {
    return insp_path(ret, reterr, "%s/regions/%s.json", state_dir, product);
}

int insp_field_file_read(const char *state_dir, const char *product, struct insp_field_set **ret,
                         struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    *ret = NULL;
    int r = path_of(state_dir, product, path, reterr);
    if (r < 0)
        return r;
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    return insp_field_file_load(path, ret, reterr);
}

static int remove_file(const char *path, struct insp_error *reterr) {
    return unlink(path) == 0 || errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot remove %s", path);
}

int insp_field_file_write(const char *state_dir, const char *product, const struct insp_field_set *set,
                          struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES], path[INSP_PATH_BYTES];
    int r = insp_path(folder, reterr, "%s/regions", state_dir);
    if (r == 0)
        r = path_of(state_dir, product, path, reterr);
    if (r < 0)
        return r;
    if (!set)
        return remove_file(path, reterr);
    json_t *json = insp_field_set_json(set);
    _cleanup_free_ char *text = json ? json_dumps(json, FORMAT) : NULL;
    json_decref(json);
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for regions");
    r = insp_mkdir_all(folder, 0750, reterr);
    return r < 0 ? r : insp_write_file(path, text, strlen(text), 0640, true, reterr);
}

/* Takes the lock under which sets are changed; closing *ret releases it. */
static int lock_sets(const char *state_dir, int *ret, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES], lock[INSP_PATH_BYTES];
    int r = insp_path(folder, reterr, "%s/regions", state_dir);
    if (r == 0)
        r = insp_mkdir_all(folder, 0750, reterr);
    if (r == 0)
        r = insp_path(lock, reterr, "%s/.lock", folder);
    return r < 0 ? r : insp_lock_file(lock, 0640, ret, reterr);
}

int insp_field_file_replace(const char *state_dir, const char *product, const struct insp_field_set *set,
                            struct insp_error *reterr) {
    _cleanup_close_ int locked = -1;
    int r = lock_sets(state_dir, &locked, reterr);
    return r < 0 ? r : insp_field_file_write(state_dir, product, set, reterr);
}

int insp_field_file_change(const char *state_dir, const char *product, const char *camera, json_t *json,
                           struct insp_field_set **ret, struct insp_error *reterr) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *old = NULL, *changed = NULL;
    _cleanup_close_ int locked = -1;
    int r = lock_sets(state_dir, &locked, reterr);
    if (r == 0)
        r = insp_field_file_read(state_dir, product, &old, reterr);
    if (r == 0)
        r = insp_field_set_change(old, camera, json, &changed, reterr);
    if (r == 0)
        r = insp_field_file_write(state_dir, product, changed, reterr);
    if (r == 0)
        *ret = insp_take_ptr(changed);
    return r;
}
