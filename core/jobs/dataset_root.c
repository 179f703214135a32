#include "core/jobs/dataset_root.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static bool climbs(const char *relative) {
    for (const char *p = relative; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (!strncmp(p, "..", 2) && (p[2] == '/' || p[2] == '\0'))
            return true;
    }
    return false;
}

static bool inside(const char *path, const char *root) {
    size_t n = strlen(root);
    return !strncmp(path, root, n) && (path[n] == '/' || path[n] == '\0' || (n > 0 && root[n - 1] == '/'));
}

/* 1 found, 0 not below this root */
static int try_root(const char *root, const char *relative, char *ret_path, struct insp_error *reterr) {
    char candidate[INSP_PATH_BYTES];
    int r = insp_path(candidate, reterr, "%s/%s", root, relative);
    if (r < 0)
        return r;
    _cleanup_free_ char *real_root = realpath(root, NULL);
    _cleanup_free_ char *real_path = real_root ? realpath(candidate, NULL) : NULL;
    if (!real_path)
        return errno == ENOENT || errno == ENOTDIR ? 0 : insp_fail_errno(reterr, errno, "dataset %s", relative);
    if (!inside(real_path, real_root))
        return insp_fail(reterr, INSP_E_FORBIDDEN, "dataset \"%s\" leads out of the dataset root", relative);
    struct stat st;
    if (stat(real_path, &st) < 0 || !S_ISDIR(st.st_mode))
        return insp_fail(reterr, INSP_E_DATASET, "dataset \"%s\" is not a folder", relative);
    r = insp_path(ret_path, reterr, "%s", real_path);
    return r < 0 ? r : 1;
}

int insp_dataset_resolve(const char *roots, const char *relative, char *ret_path, struct insp_error *reterr) {
    if (relative[0] == '/' || climbs(relative))
        return insp_fail(reterr, INSP_E_FORBIDDEN,
                         "dataset \"%s\" must be a path below a dataset root, without \"..\"", relative);
    if (!*roots)
        return insp_fail(reterr, INSP_E_FORBIDDEN, "no dataset root is configured: set training.dataset_roots");
    _cleanup_free_ char *copy = strdup(roots);
    if (!copy)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory");
    char *rest = NULL;
    for (char *root = strtok_r(copy, ":", &rest); root; root = strtok_r(NULL, ":", &rest)) {
        int r = try_root(root, relative, ret_path, reterr);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    return insp_fail(reterr, INSP_E_DATASET, "there is no dataset \"%s\" below training.dataset_roots (%s)",
                     relative, roots);
}
