#include "core/model/fetch/trunk_fetch.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/model/fetch/download.h"
#include "core/model/fetch/trunk_origin.h"
#include "core/model/pth/pth.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BYTES_MAX = 1 << 30 };

/* Checks the hash of a file; on a mismatch names both hashes. */
static int verify(const char *path, const char *expected, struct insp_error *reterr) {
    char sha256[INSP_SHA256_HEX_BYTES];
    int r = insp_sha256_file(path, sha256, reterr);
    if (r < 0)
        return r;
    if (strcmp(sha256, expected) != 0)
        return insp_fail(
            reterr, INSP_E_MODEL,
            "%s has the SHA-256 %s, expected is %s: nothing is installed. A proxy or a broken transfer "
            "may have changed it",
            path, sha256, expected);
    return 0;
}

static int install(const char *state_dir, const char *path, char *ret_sha256, struct insp_error *reterr) {
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = NULL;
    int r = insp_pth_read_trunk(path, &arrays, reterr);
    return r < 0 ? r : insp_trunk_install_default(state_dir, arrays, INSP_TRUNK_FETCHED, ret_sha256, reterr);
}

/* Installs a verified download. After a failure that has nothing to do with it, such as a full disk, it stays: the
 * next attempt needs no transfer. */
static int install_part(const char *state_dir, const char *part, const struct insp_progress *progress,
                        char *ret_sha256, struct insp_error *reterr) {
    insp_progress_stage(progress, "install");
    int r = install(state_dir, part, ret_sha256, reterr);
    if (r == 0 || r == INSP_E_MODEL)
        unlink(part);
    return r;
}

int insp_trunk_fetch(const char *state_dir, const struct insp_trunk_source *source,
                     const struct insp_progress *progress, char *ret_sha256, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES], part[INSP_PATH_BYTES];
    int r = insp_path(folder, reterr, "%s/cache", state_dir);
    if (r == 0)
        r = insp_path(part, reterr, "%s/%s.part", folder, source->sha256);
    if (r == 0)
        r = insp_mkdir_all(folder, 0700, reterr);
    if (r < 0)
        return r;
    /* The file may be whole, but not installed: a full disk. */
    if (access(part, F_OK) == 0 && verify(part, source->sha256, reterr) == 0)
        return install_part(state_dir, part, progress, ret_sha256, reterr);
    insp_progress_stage(progress, "download");
    const struct insp_progress transfer = insp_progress_part(progress, 0, 0.9);
    r = insp_download(source->url, part, BYTES_MAX, progress ? &transfer : NULL, reterr);
    if (r < 0)
        return r;
    r = verify(part, source->sha256, reterr);
    if (r == INSP_E_MODEL)
        unlink(part);
    return r < 0 ? r : install_part(state_dir, part, progress, ret_sha256, reterr);
}

int insp_trunk_fetch_file(const char *state_dir, const char *path, const char *sha256, char *ret_sha256,
                          struct insp_error *reterr) {
    int r = verify(path, sha256, reterr);
    return r < 0 ? r : install(state_dir, path, ret_sha256, reterr);
}
