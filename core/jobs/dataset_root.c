#include "core/jobs/dataset_root.h"

#include "core/base/below.h"
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

/* Resolves `relative` below one root. Returns 1 if it is there, 0 if not. */
static int try_root(const char *root, const char *relative, char *ret_path, struct insp_error *reterr) {
    char candidate[INSP_PATH_BYTES], real_root[INSP_PATH_BYTES], real_path[INSP_PATH_BYTES];
    int r = insp_path(candidate, reterr, "%s/%s", root, relative);
    if (r < 0)
        return r;
    int found = insp_resolve(root, real_root);
    if (found == 0)
        found = insp_resolve_below(real_root, candidate, real_path);
    if (found < 0)
        return found == -ENOENT || found == -ENOTDIR || found == -ENAMETOOLONG
                   ? 0
                   : insp_fail_errno(reterr, -found, "cannot follow the path of dataset \"%s\"", relative);
    if (found == INSP_OUTSIDE)
        return insp_fail(reterr, INSP_E_FORBIDDEN, "dataset \"%s\" leads out of the dataset root", relative);
    struct stat st;
    if (stat(real_path, &st) < 0 || !S_ISDIR(st.st_mode))
        return insp_fail(reterr, INSP_E_DATASET, "dataset \"%s\" is not a folder", relative);
    r = insp_path(ret_path, reterr, "%s", real_path);
    return r < 0 ? r : 1;
}

/* Tries the roots in order, starting at index `first`, until try_root returns another value than 0. */
static int search(const char *roots, size_t first, const char *relative, char *ret_path,
                  struct insp_error *reterr) {
    _cleanup_free_ char *copy = strdup(roots);
    if (!copy)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory");
    char *rest = NULL;
    size_t number = 0;
    for (char *root = strtok_r(copy, ":", &rest); root; root = strtok_r(NULL, ":", &rest)) {
        int r = number++ >= first ? try_root(root, relative, ret_path, reterr) : 0;
        if (r != 0)
            return r;
    }
    return 0;
}

int insp_dataset_resolve(const char *roots, const char *relative, char *ret_path, struct insp_error *reterr) {
    if (relative[0] == '/' || climbs(relative))
        return insp_fail(reterr, INSP_E_FORBIDDEN,
                         "dataset \"%s\" must be a path below a dataset root, without \"..\"", relative);
    if (!*roots)
        return insp_fail(reterr, INSP_E_FORBIDDEN, "no dataset root is configured; set training.dataset_roots");
    int r = search(roots, 0, relative, ret_path, reterr);
    if (r != 0)
        return r < 0 ? r : 0;
    return insp_fail(reterr, INSP_E_DATASET, "there is no dataset \"%s\" below training.dataset_roots (%s)",
                     relative, roots);
}

static int make_below(const char *root, const char *product, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r = insp_mkdir_all(root, 0750, reterr);
    if (r == 0)
        r = insp_path(folder, reterr, "%s/%s", root, product);
    if (r < 0)
        return r;
    if (mkdir(folder, 0750) < 0 && errno != EEXIST)
        return insp_fail_errno(reterr, errno, "cannot create the dataset's folder %s", folder);
    return insp_fsync_path(root, reterr);
}

int insp_dataset_home(const char *roots, const char *product, bool make, char *ret_path,
                      struct insp_error *reterr) {
    char elsewhere[INSP_PATH_BYTES];
    size_t n = strcspn(roots, ":");
    if (!n)
        return insp_fail(reterr, INSP_E_FORBIDDEN, "no dataset root is configured; set training.dataset_roots");
    _cleanup_free_ char *root = strndup(roots, n);
    if (!root)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory");
    int r = try_root(root, product, ret_path, reterr);
    if (r != 0)
        return r < 0 ? r : 0;
    /* A new folder in the first root would hide the dataset that trainings have used so far. */
    if ((r = search(roots, 1, product, elsewhere, reterr)) > 0)
        return insp_fail(reterr, INSP_E_CONFLICT,
                         "the dataset \"%s\" is at %s, but images are written only below %s; copy it there "
                         "first",
                         product, elsewhere, root);
    if (r == 0 && !make)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "product %s has no dataset yet", product);
    if (r == 0)
        r = make_below(root, product, reterr);
    if (r == 0 && (r = try_root(root, product, ret_path, reterr)) == 0)
        return insp_fail(reterr, INSP_E_IO, "the folder %s/%s has disappeared", root, product);
    return r < 0 ? r : 0;
}
