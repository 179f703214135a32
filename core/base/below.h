/* core/base/below.h - check that a path stays below a folder, with all links resolved. Blocks on the disk; any
 * thread. */
#ifndef INSP_BASE_BELOW_H
#define INSP_BASE_BELOW_H

#include "core/base/fs.h"

/* Resolves all links of a path. Returns 0, or -errno (-ENOENT: no such file); ret_path has no meaning then. */
int insp_resolve(const char *path, char ret_path[INSP_PATH_BYTES]);

/* Tells what insp_resolve_below found; below 0: -errno. */
enum insp_below {
    INSP_BELOW,   /* the path lies below the root */
    INSP_AT_ROOT, /* it is the root */
    INSP_OUTSIDE, /* it leads out of the root, by ".." or by a link */
};

/* Resolves all links of a path and tells whether it stays below root, which must be resolved itself. ret_path has
 * no meaning after an error. */
int insp_resolve_below(const char *root, const char *path, char ret_path[INSP_PATH_BYTES]);

#endif
