#include "core/model/fetch/trunk_origin.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/model/registry.h"

#include <stdio.h>
#include <string.h>

static const char *const origin_names[] = {[INSP_TRUNK_FETCHED] = "fetched", [INSP_TRUNK_BANK] = "bank"};

const char *insp_trunk_origin_name(enum insp_trunk_origin origin) {
    return origin_names[origin];
}

static int keep(const char *state_dir, const char *sha256, enum insp_trunk_origin origin,
                struct insp_error *reterr) {
    char path[INSP_PATH_BYTES], line[32];
    int r = insp_path(path, reterr, "%s/trunks/%s.origin", state_dir, sha256);
    snprintf(line, sizeof line, "%s\n", origin_names[origin]);
    return r < 0 ? r : insp_write_file(path, line, strlen(line), 0640, true, reterr);
}

enum insp_trunk_origin insp_trunk_origin_of(const char *state_dir, const char *sha256) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    if (insp_path(path, NULL, "%s/trunks/%s.origin", state_dir, sha256) < 0 ||
        insp_read_file(path, 64, &text, &bytes, NULL) < 0)
        return INSP_TRUNK_UNKNOWN;
    text[strcspn(text, "\n")] = 0;
    for (enum insp_trunk_origin i = INSP_TRUNK_FETCHED; i < INSP_COUNT(origin_names); i++)
        if (!strcmp(text, origin_names[i]))
            return i;
    return INSP_TRUNK_UNKNOWN;
}

int insp_trunk_install_default(const char *state_dir, const struct insp_trunk_arrays *arrays,
                               enum insp_trunk_origin origin, char *ret_sha256, struct insp_error *reterr) {
    char sha256[INSP_SHA256_HEX_BYTES];
    int r = insp_trunk_install(state_dir, arrays, sha256, reterr);
    if (r == 0 && origin)
        r = keep(state_dir, sha256, origin, reterr);
    if (r == 0)
        r = insp_registry_set_default_trunk(state_dir, sha256, reterr);
    if (r == 0)
        memcpy(ret_sha256, sha256, sizeof sha256);
    return r;
}
