#include "core/model/snapshot/snapshot.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/base/log.h"

#include <string.h>
#include <unistd.h>

#define SNAPSHOT_FILE "dataset.json"
enum { FILE_MODE = 0640, BYTES_MAX = 64 << 20 };

int insp_snapshot_write(const char *folder, json_t *images, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    json_t *json = json_pack("{s:O}", "images", images);
    _cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the list of %zu images", json_array_size(images));
    if (strlen(text) > BYTES_MAX) {
        insp_log_debug("the list of the %zu images is too long to be kept", json_array_size(images));
        return 0;
    }
    int r = insp_path(path, reterr, "%s/" SNAPSHOT_FILE, folder);
    return r < 0 ? r : insp_write_file(path, text, strlen(text), FILE_MODE, true, reterr);
}

int insp_snapshot_read(const char *folder, json_t **ret_images, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    int r = insp_path(path, reterr, "%s/" SNAPSHOT_FILE, folder);
    if (r < 0)
        return r;
    if (access(path, F_OK) < 0)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "this version does not know the images that it was trained on");
    r = insp_read_file(path, BYTES_MAX, &text, &bytes, reterr);
    if (r < 0)
        return r;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
    json_t *images = json_incref(json_object_get(json, "images"));
    json_decref(json);
    if (!json_is_array(images)) {
        json_decref(images);
        return insp_fail(reterr, INSP_E_MODEL, "%s is damaged", path);
    }
    *ret_images = images;
    return 0;
}
