#include "core/base/below.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)INSP_PATH_BYTES >= PATH_MAX, "room for what realpath(3) writes");

int insp_resolve(const char *path, char ret_path[INSP_PATH_BYTES]) {
    return realpath(path, ret_path) ? 0 : -errno;
}

int insp_resolve_below(const char *root, const char *path, char ret_path[INSP_PATH_BYTES]) {
    size_t length = strlen(root);
    int code = insp_resolve(path, ret_path);
    if (code)
        return code;
    if (!strcmp(ret_path, root))
        return INSP_AT_ROOT;
    if (length && root[length - 1] == '/') /* the root of the file system */
        length--;
    return !strncmp(ret_path, root, length) && ret_path[length] == '/' ? INSP_BELOW : INSP_OUTSIDE;
}
