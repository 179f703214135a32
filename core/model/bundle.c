#include "core/model/bundle.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/uuid.h"
#include "core/model/snapshot/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { FOLDER_MODE = 0755, FILE_MODE = 0644, SAME_SECOND_MAX = 1000 };

static int read_manifest(const char *path, struct insp_manifest **ret, struct insp_error *reterr) {
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    int r = insp_read_file(path, INSP_MANIFEST_BYTES_MAX, &text, &bytes, reterr);
    if (r < 0)
        return r;
    r = insp_manifest_parse(text, bytes, ret, reterr);
    if (r < 0)
        insp_error_prefix(reterr, "%s", path);
    return r;
}

static int write_manifest(const char *folder, const struct insp_manifest *manifest, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *text = NULL;
    int r = insp_path(path, reterr, "%s/" INSP_MANIFEST_FILE, folder);
    if (r < 0)
        return r;
    r = insp_manifest_format(manifest, &text, reterr);
    if (r < 0)
        return r;
    return insp_write_file(path, text, strlen(text), FILE_MODE, true, reterr);
}

/* A missing file makes a broken model, not an input/output error. */
static int need_file(const char *path, int code, const char *what, struct insp_error *reterr) {
    struct stat st;
    if (stat(path, &st) == 0)
        return S_ISREG(st.st_mode) ? 0 : insp_fail(reterr, code, "%s %s is not a regular file", what, path);
    if (errno == ENOENT || errno == ENOTDIR)
        return insp_fail(reterr, code, "%s %s is missing", what, path);
    return insp_fail_errno(reterr, errno, "cannot examine %s", path);
}

static int check_hash(const char *path, const char *expected, struct insp_error *reterr) {
    char found[INSP_SHA256_HEX_BYTES];
    int r = insp_sha256_file(path, found, reterr);
    if (r < 0)
        return r;
    if (strcmp(found, expected) != 0)
        return insp_fail(reterr, INSP_E_MODEL,
                         "%s has sha256 %s, expected %s: the file is damaged or was replaced", path, found,
                         expected);
    return 0;
}

/* --- writing --- */

/* Makes <state>/models/<product>/.new-PID-XXXXXX. */
static int make_temporary(const char *product_folder, char *ret_folder, struct insp_error *reterr) {
    int r = insp_mkdir_all(product_folder, FOLDER_MODE, reterr);
    if (r < 0)
        return r;
    r = insp_path(ret_folder, reterr, "%s/" INSP_TEMPORARY_OF_PROCESS "XXXXXX", product_folder, (int)getpid());
    if (r < 0)
        return r;
    if (!mkdtemp(ret_folder))
        return insp_fail_errno(reterr, errno, "cannot create a folder in %s", product_folder);
    if (chmod(ret_folder, FOLDER_MODE) < 0)
        return insp_fail_errno(reterr, errno, "cannot set the mode of %s", ret_folder);
    return 0;
}

static int write_weights(const char *folder, const struct insp_tail_buffers *tail, char *ret_sha256,
                         struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/" INSP_WEIGHTS_FILE, folder);
    if (r < 0)
        return r;
    r = insp_tail_write(path, tail, reterr);
    if (r < 0)
        return r;
    return insp_sha256_file(path, ret_sha256, reterr);
}

static int write_good(const char *folder, const struct insp_good_gauss *good,
                      const struct insp_good_memory *memory, struct insp_good_only *ret,
                      struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r;
    ret->sums_sha256[0] = '\0';
    if ((r = insp_path(path, reterr, "%s/" INSP_GOOD_ONLY_FILE, folder)) < 0 ||
        (r = insp_good_gauss_write(path, good, reterr)) < 0 ||
        (r = insp_sha256_file(path, ret->sha256, reterr)) < 0 || !memory)
        return r;
    if ((r = insp_path(path, reterr, "%s/" INSP_GOOD_SUMS_FILE, folder)) < 0 ||
        (r = insp_good_memory_write(path, memory, reterr)) < 0)
        return r;
    return insp_sha256_file(path, ret->sums_sha256, reterr);
}

static int write_logistic(const char *folder, const struct insp_logistic *logistic, char *ret_sha256,
                          struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/" INSP_LOGISTIC_FILE, folder);
    if (r < 0 || (r = insp_logistic_write(path, logistic, reterr)) < 0)
        return r;
    return insp_sha256_file(path, ret_sha256, reterr);
}

/* Makes a version: "20261124T202720Z", then "20261124T202720Z-2", "-3"... */
static void make_version(int64_t created_us, int attempt, char *ret) {
    time_t seconds = (time_t)(created_us / 1000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t n = strftime(ret, INSP_NAME_BYTES, "%Y%m%dT%H%M%SZ", &utc);
    if (attempt > 1)
        snprintf(ret + n, INSP_NAME_BYTES - n, "-%d", attempt);
}

/* Renames the finished folder to its version. rename(2) refuses to replace a folder with content, so of two
 * writers in one second exactly one gets the name and the other tries the next. */
static int publish(const char *temporary, const char *product_folder, struct insp_manifest *manifest, bool named,
                   struct insp_error *reterr) {
    char final[INSP_PATH_BYTES];
    for (int attempt = 1; attempt <= SAME_SECOND_MAX; attempt++) {
        if (!named)
            make_version(manifest->created_us, attempt, manifest->version);
        int r = insp_path(final, reterr, "%s/%s", product_folder, manifest->version);
        if (r < 0 || (r = write_manifest(temporary, manifest, reterr)) < 0)
            return r;
        if (rename(temporary, final) == 0) {
            r = insp_fsync_path(product_folder, reterr);
            if (r < 0)
                insp_remove_tree(final, NULL);
            return r;
        }
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            return insp_fail_errno(reterr, errno, "cannot rename %s to %s", temporary, final);
        if (named)
            break;
    }
    return insp_fail(reterr, INSP_E_CONFLICT, "product %s already has a model %s", manifest->product,
                     manifest->version);
}

static int check_names(const struct insp_manifest *manifest, const char *product_folder,
                       struct insp_error *reterr) {
    char final[INSP_PATH_BYTES];
    if (!insp_name_valid(manifest->product))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"%s\" cannot be the name of a product", manifest->product);
    if (!manifest->version[0])
        return 0;
    if (!insp_name_valid(manifest->version))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"%s\" cannot be the name of a version", manifest->version);
    int r = insp_path(final, reterr, "%s/%s", product_folder, manifest->version);
    if (r < 0)
        return r;
    /* rename checks again; checking here avoids writing 28 MB for nothing. */
    if (access(final, F_OK) == 0)
        return insp_fail(reterr, INSP_E_CONFLICT, "product %s already has a model %s", manifest->product,
                         manifest->version);
    return 0;
}

/* The first bundle also makes the folders above it. */
static int sync_new_folders(const char *state_dir, struct insp_error *reterr) {
    char models[INSP_PATH_BYTES];
    int r = insp_path(models, reterr, "%s/models", state_dir);
    if (r < 0 || (r = insp_fsync_path(models, reterr)) < 0)
        return r;
    return insp_fsync_path(state_dir, reterr);
}

int insp_bundle_write(const char *state_dir, struct insp_manifest *manifest, const struct insp_tail_buffers *tail,
                      const struct insp_golden *golden, struct insp_error *reterr) {
    return insp_bundle_write_parts(state_dir, manifest,
                                   &(struct insp_bundle_parts){.tail = tail, .golden = golden}, reterr);
}

/* Writes the files of the parts and fills in their hashes. */
static int write_parts(const char *folder, const struct insp_bundle_parts *parts, struct insp_manifest *manifest,
                       struct insp_error *reterr) {
    int r = 0;
    manifest->weights_sha256[0] = '\0';
    if (parts->tail)
        r = write_weights(folder, parts->tail, manifest->weights_sha256, reterr);
    manifest->golden_sha256[0] = '\0';
    if (r == 0 && parts->golden)
        r = insp_golden_write(folder, parts->golden, manifest->golden_sha256, reterr);
    if (!parts->good)
        manifest->good_only = (struct insp_good_only){0};
    if (r == 0 && parts->good)
        r = write_good(folder, parts->good, parts->memory, &manifest->good_only, reterr);
    if (!parts->logistic)
        manifest->logistic = (struct insp_logistic_entry){0};
    if (r == 0 && parts->logistic)
        r = write_logistic(folder, parts->logistic, manifest->logistic.sha256, reterr);
    if (r == 0 && manifest->images)
        r = insp_snapshot_write(folder, manifest->images, reterr);
    return r;
}

static int check_described(const struct insp_manifest *manifest, const struct insp_bundle_parts *parts,
                           struct insp_error *reterr) {
    if (parts->good && !manifest->good_only.images)
        return insp_fail(reterr, INSP_E_MODEL, "a good-only model for product %s, and no description of it",
                         manifest->product);
    if (parts->logistic && manifest->logistic.use == INSP_LOGISTIC_NONE)
        return insp_fail(reterr, INSP_E_MODEL, "a logistic regression for product %s, and no use of it",
                         manifest->product);
    return 0;
}

int insp_bundle_write_parts(const char *state_dir, struct insp_manifest *manifest,
                            const struct insp_bundle_parts *parts, struct insp_error *reterr) {
    char product_folder[INSP_PATH_BYTES], temporary[INSP_PATH_BYTES] = "";
    int r = insp_path(product_folder, reterr, "%s/models/%s", state_dir, manifest->product);
    if (r < 0 || (r = check_names(manifest, product_folder, reterr)) < 0 ||
        (r = check_described(manifest, parts, reterr)) < 0)
        return r;
    struct insp_manifest written = *manifest; /* borrows the documents */
    written.created_us = insp_wall_us() / 1000 * 1000;
    r = make_temporary(product_folder, temporary, reterr);
    if (r == 0)
        r = sync_new_folders(state_dir, reterr);
    if (r == 0)
        r = write_parts(temporary, parts, &written, reterr);
    if (r == 0)
        r = publish(temporary, product_folder, &written, manifest->version[0] != '\0', reterr);
    if (r < 0) {
        if (temporary[0])
            insp_remove_tree(temporary, NULL);
        rmdir(product_folder); /* removes it only if this was the product's first bundle */
        return r;
    }
    *manifest = written;
    return 0;
}

int insp_bundle_update_manifest(const char *state_dir, const struct insp_manifest *manifest,
                                struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r = insp_bundle_folder(state_dir, manifest->product, manifest->version, folder, reterr);
    return r < 0 ? r : write_manifest(folder, manifest, reterr);
}

/* --- reading --- */

int insp_bundle_folder(const char *state_dir, const char *product, const char *version, char *ret_folder,
                       struct insp_error *reterr) {
    struct stat st;
    if (!insp_name_valid(product) || !insp_name_valid(version))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "there is no model \"%.80s\" of product \"%.80s\"", version,
                         product);
    int r = insp_path(ret_folder, reterr, "%s/models/%s/%s", state_dir, product, version);
    if (r < 0)
        return r;
    if (stat(ret_folder, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return insp_fail(reterr, INSP_E_NOT_FOUND, "product %s has no model %s", product, version);
}

static int check_identity(const struct insp_manifest *manifest, const char *product, const char *version,
                          struct insp_error *reterr) {
    if (strcmp(manifest->product, product) != 0)
        return insp_fail(reterr, INSP_E_MODEL, "product is \"%s\", but the folder says \"%s\"", manifest->product,
                         product);
    if (strcmp(manifest->version, version) != 0)
        return insp_fail(reterr, INSP_E_MODEL, "version is \"%s\", but the folder says \"%s\"", manifest->version,
                         version);
    return 0;
}

int insp_bundle_read_manifest(const char *state_dir, const char *product, const char *version,
                              struct insp_manifest **ret_manifest, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES], path[INSP_PATH_BYTES];
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    int r;
    if ((r = insp_bundle_folder(state_dir, product, version, folder, reterr)) < 0 ||
        (r = insp_path(path, reterr, "%s/" INSP_MANIFEST_FILE, folder)) < 0 ||
        (r = need_file(path, INSP_E_MODEL, "the manifest", reterr)) < 0 ||
        (r = read_manifest(path, &manifest, reterr)) < 0)
        return r;
    r = check_identity(manifest, product, version, reterr);
    if (r < 0) {
        insp_error_prefix(reterr, "%s", path);
        return r;
    }
    *ret_manifest = insp_take_ptr(manifest);
    return 0;
}

/* Checks the hash of a part's file, unless sha256 is "": the bundle has no such part. ret_path is its name. */
static int check_part(const char *state_dir, const struct insp_manifest *manifest, const char *file,
                      const char *what, const char *sha256, char ret_path[INSP_PATH_BYTES],
                      struct insp_error *reterr) {
    int r =
        insp_path(ret_path, reterr, "%s/models/%s/%s/%s", state_dir, manifest->product, manifest->version, file);
    if (r < 0 || !*sha256)
        return r;
    r = need_file(ret_path, INSP_E_MODEL, what, reterr);
    return r < 0 ? r : check_hash(ret_path, sha256, reterr);
}

static int check_good(const char *state_dir, const struct insp_manifest *manifest, char ret_path[INSP_PATH_BYTES],
                      struct insp_error *reterr) {
    return check_part(state_dir, manifest, INSP_GOOD_ONLY_FILE, "the good-only model", manifest->good_only.sha256,
                      ret_path, reterr);
}

static int check_logistic(const char *state_dir, const struct insp_manifest *manifest,
                          char ret_path[INSP_PATH_BYTES], struct insp_error *reterr) {
    return check_part(state_dir, manifest, INSP_LOGISTIC_FILE, "the logistic regression",
                      manifest->logistic.sha256, ret_path, reterr);
}

int insp_bundle_read(const char *state_dir, const char *product, const char *version,
                     struct insp_manifest **ret_manifest, struct insp_tail_buffers **ret_tail,
                     struct insp_error *reterr) {
    char weights[INSP_PATH_BYTES], trunk[INSP_PATH_BYTES], other[INSP_PATH_BYTES];
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    int r;
    if ((r = insp_bundle_read_manifest(state_dir, product, version, &manifest, reterr)) < 0 ||
        (r = insp_path(trunk, reterr, "%s/trunks/%s.safetensors", state_dir, manifest->trunk_sha256)) < 0 ||
        (r = need_file(trunk, INSP_E_MODEL, "the model's trunk", reterr)) < 0 ||
        (r = check_part(state_dir, manifest, INSP_WEIGHTS_FILE, "the weights file", manifest->weights_sha256,
                        weights, reterr)) < 0 ||
        (r = check_good(state_dir, manifest, other, reterr)) < 0 ||
        (r = check_logistic(state_dir, manifest, other, reterr)) < 0)
        return r;
    if (ret_tail && !manifest->weights_sha256[0])
        *ret_tail = NULL;
    else if (ret_tail && (r = insp_tail_read(weights, ret_tail, reterr)) < 0)
        return r;
    *ret_manifest = insp_take_ptr(manifest);
    return 0;
}

int insp_bundle_read_golden(const char *state_dir, const struct insp_manifest *manifest, struct insp_golden **ret,
                            struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    if (!manifest->golden_sha256[0]) {
        *ret = NULL;
        return 0;
    }
    int r = insp_bundle_folder(state_dir, manifest->product, manifest->version, folder, reterr);
    return r < 0 ? r : insp_golden_read(folder, manifest->golden_sha256, ret, reterr);
}

int insp_bundle_read_good(const char *state_dir, const struct insp_manifest *manifest,
                          struct insp_good_gauss **ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = check_good(state_dir, manifest, path, reterr);
    if (r < 0)
        return r;
    if (!manifest->good_only.images) {
        *ret = NULL;
        return 0;
    }
    return insp_good_gauss_read(path, ret, reterr);
}

int insp_bundle_read_logistic(const char *state_dir, const struct insp_manifest *manifest,
                              struct insp_logistic **ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = check_logistic(state_dir, manifest, path, reterr);
    *ret = NULL;
    return r < 0 || manifest->logistic.use == INSP_LOGISTIC_NONE ? r : insp_logistic_read(path, ret, reterr);
}

int insp_bundle_read_memory(const char *state_dir, const struct insp_manifest *manifest,
                            struct insp_good_memory *ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    const char *sha256 = manifest->good_only.sums_sha256;
    if (!*sha256)
        return insp_fail(reterr, INSP_E_MODEL, "model %s of product %s has no sums of good images",
                         manifest->version, manifest->product);
    int r = check_part(state_dir, manifest, INSP_GOOD_SUMS_FILE, "the sums of good images", sha256, path, reterr);
    return r < 0 ? r : insp_good_memory_read(path, ret, reterr);
}

/* --- trunks --- */

int insp_trunk_install(const char *state_dir, const struct insp_trunk_arrays *arrays, char *ret_sha256,
                       struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES], temporary[INSP_PATH_BYTES], final[INSP_PATH_BYTES];
    char sha256[INSP_SHA256_HEX_BYTES], unique[INSP_UUID_BYTES];
    insp_uuid7(unique);
    int r;
    if ((r = insp_path(folder, reterr, "%s/trunks", state_dir)) < 0 ||
        (r = insp_path(temporary, reterr, "%s/" INSP_TEMPORARY_PREFIX "%s", folder, unique)) < 0 ||
        (r = insp_mkdir_all(folder, FOLDER_MODE, reterr)) < 0 || (r = insp_fsync_path(state_dir, reterr)) < 0 ||
        (r = insp_trunk_write(temporary, arrays, reterr)) < 0)
        return r;
    if ((r = insp_sha256_file(temporary, sha256, reterr)) == 0 &&
        (r = insp_path(final, reterr, "%s/%s.safetensors", folder, sha256)) == 0 && rename(temporary, final) < 0)
        r = insp_fail_errno(reterr, errno, "cannot rename %s to %s", temporary, final);
    if (r < 0) {
        unlink(temporary);
        return r;
    }
    r = insp_fsync_path(folder, reterr);
    if (r < 0)
        return r;
    memcpy(ret_sha256, sha256, sizeof sha256);
    return 0;
}

int insp_trunk_open(const char *state_dir, const char *sha256, struct insp_trunk_arrays **ret,
                    struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    if (!insp_sha256_hex_valid(sha256))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "\"%.80s\" is not the sha256 of a trunk", sha256);
    int r;
    if ((r = insp_path(path, reterr, "%s/trunks/%s.safetensors", state_dir, sha256)) < 0 ||
        (r = need_file(path, INSP_E_NOT_FOUND, "the trunk", reterr)) < 0 ||
        (r = check_hash(path, sha256, reterr)) < 0)
        return r;
    return insp_trunk_read(path, ret, reterr);
}

int insp_trunk_open_on(struct insp_device *device, const char *state_dir, const char *sha256,
                       struct insp_trunk **ret, struct insp_error *reterr) {
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = NULL;
    int r = insp_trunk_open(state_dir, sha256, &arrays, reterr);
    if (r < 0)
        return r;
    struct insp_trunk_weights weights = insp_trunk_arrays_view(arrays);
    return insp_trunk_load(device, &weights, ret, reterr);
}
