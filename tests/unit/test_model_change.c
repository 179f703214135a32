#include "core/serving/model_change.h"

#include "core/model/bundle.h"
#include "core/model/registry.h"
#include "core/store/changes.h"
#include "core/store/sql.h"
#include "tests/unit/store_fixture.h"

#include <pthread.h>

static struct fixture f;
static struct insp_changer me;

static void add_version(const char *version) {
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = insp_tail_buffers_new();
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = insp_manifest_new();
    strcpy(manifest->product, "p");
    strcpy(manifest->version, version);
    memset(manifest->trunk_sha256, 'a', INSP_SHA256_HEX_BYTES - 1);
    insp_tail_init_identity(tail, 1, 1);
    ck_insp_ok(insp_bundle_write(f.dir, manifest, tail, NULL, &f.err), f.err);
}

static void begin(void) {
    fixture_open(&f);
    me = (struct insp_changer){.state_dir = f.dir, .store = f.store, .who = "me"};
    add_version("v1");
    add_version("v2");
    ck_insp_ok(insp_change_activate(&me, "p", "v1", &f.err), f.err);
}

struct seen {
    size_t count;
    char text[1000][96];
};

static int collect(void *arg, const struct insp_change *change) {
    struct seen *seen = arg;
    snprintf(seen->text[seen->count++], sizeof seen->text[0], "%s %s %s->%s", change->who, change->field,
             change->from, change->to);
    return 0;
}

static struct seen seen;
static const struct seen *changes(const char *version) {
    seen.count = 0;
    ck_insp_ok(insp_changes_list(f.store, "p", version, NULL, 1000, collect, &seen, &f.err), f.err);
    return &seen;
}

static const char *active(void) {
    static char version[INSP_NAME_BYTES];
    ck_insp_ok(insp_registry_active(f.dir, "p", version, &f.err), f.err);
    return version;
}

START_TEST(which_one_serves_is_recorded) {
    begin();
    ck_assert_str_eq(changes("v1")->text[0], "me active null->\"v1\"");
    ck_insp_ok(insp_change_activate(&me, "p", "v1", &f.err), f.err); /* no change, no row */
    ck_assert_uint_eq(changes("v1")->count, 1);
    ck_insp_ok(insp_change_activate(&me, "p", "v2", &f.err), f.err);
    ck_assert_str_eq(changes("v2")->text[0], "me active \"v1\"->\"v2\"");
    ck_insp_code(insp_change_rollback(&me, "p", "v2", &f.err), INSP_E_CONFLICT, f.err); /* it would lead to v1 */
    ck_assert_str_eq(active(), "v2");
    ck_insp_ok(insp_change_rollback(&me, "p", "v1", &f.err), f.err);
    ck_assert_str_eq(active(), "v1");
    ck_assert_str_eq(changes("v1")->text[0], "me active \"v2\"->\"v1\"");
    ck_insp_code(insp_change_rollback(&me, "p", "v2", &f.err), INSP_E_CONFLICT, f.err); /* nothing older */
    fixture_close(&f);
}
END_TEST

START_TEST(the_active_one_is_not_removed) {
    begin();
    ck_insp_code(insp_change_remove(&me, "p", "v1", &f.err), INSP_E_CONFLICT, f.err);
    ck_assert_uint_eq(changes("v1")->count, 1);
    ck_insp_ok(insp_change_remove(&me, "p", "v2", &f.err), f.err);
    ck_assert_str_eq(changes("v2")->text[0], "me deleted false->true");
    fixture_close(&f);
}
END_TEST

static int edit(void *arg, struct insp_manifest *manifest, struct insp_error *reterr) {
    const float *threshold = arg;
    if (*threshold < 0)
        return insp_fail(reterr, INSP_E_PARAMETER, "no");
    manifest->threshold = *threshold;
    manifest->review = (struct insp_review){true, 0, *threshold};
    return 0;
}

static int adjust(const struct insp_changer *changer, float threshold, struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    return insp_change_manifest(changer, "p", "v1", edit, &threshold, &manifest, reterr);
}

START_TEST(each_field_that_changes_has_its_row) {
    begin();
    ck_insp_ok(adjust(&me, 0.7f, &f.err), f.err);
    ck_insp_ok(adjust(&me, 0.7f, &f.err), f.err); /* the same again */
    const struct seen *rows = changes("v1");
    ck_assert_uint_eq(rows->count, 3);
    ck_assert_str_eq(rows->text[0], "me review null->{\"low\":0.0,\"high\":0.7}");
    ck_assert_str_eq(rows->text[1], "me threshold 0.5->0.7");
    ck_insp_code(adjust(&me, -1, &f.err), INSP_E_PARAMETER, f.err);
    ck_insp_code(adjust(&me, 2, &f.err), INSP_E_MODEL, f.err); /* cannot be written */
    ck_assert_uint_eq(changes("v1")->count, 3);
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    ck_insp_ok(insp_bundle_read_manifest(f.dir, "p", "v1", &manifest, &f.err), f.err);
    ck_assert_float_eq(manifest->threshold, 0.7f);
    fixture_close(&f);
}
END_TEST

START_TEST(without_a_store_the_change_is_made_all_the_same) {
    begin();
    const struct insp_changer bare = {.state_dir = f.dir, .who = "cli"};
    ck_insp_ok(insp_change_activate(&bare, "p", "v2", &f.err), f.err);
    ck_assert_str_eq(active(), "v2");
    ck_insp_ok(adjust(&bare, 0.25f, &f.err), f.err);
    ck_assert_uint_eq(changes("v1")->count, 1);
    fixture_close(&f);
}
END_TEST

START_TEST(what_cannot_be_recorded_is_as_it_was) {
    char target[INSP_NAME_BYTES];
    begin();
    add_version("v3");
    ck_insp_ok(insp_change_activate(&me, "p", "v2", &f.err), f.err);
    ck_insp_ok(insp_store_write(f.store, fixture_break_commits, NULL, &f.err), f.err);
    ck_assert_int_lt(insp_change_activate(&me, "p", "v3", &f.err), 0);
    ck_assert_str_eq(active(), "v2");
    ck_insp_ok(insp_registry_rollback_target(f.dir, "p", target, &f.err), f.err);
    ck_assert_str_eq(target, "v1"); /* not v3, which never served */
    ck_assert_int_lt(insp_change_rollback(&me, "p", "v1", &f.err), 0);
    ck_assert_str_eq(active(), "v2");
    ck_insp_ok(insp_registry_rollback_target(f.dir, "p", target, &f.err), f.err);
    ck_assert_str_eq(target, "v1");
    ck_assert_int_lt(adjust(&me, 0.7f, &f.err), 0);
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    ck_insp_ok(insp_bundle_read_manifest(f.dir, "p", "v1", &manifest, &f.err), f.err);
    ck_assert(manifest->threshold == 0.5f && !manifest->review.on);
    fixture_close(&f);
}
END_TEST

START_TEST(a_first_activation_that_cannot_be_recorded_is_none) {
    fixture_open(&f);
    me = (struct insp_changer){.state_dir = f.dir, .store = f.store, .who = "me"};
    add_version("v1");
    ck_insp_ok(insp_store_write(f.store, fixture_break_commits, NULL, &f.err), f.err);
    ck_assert_int_lt(insp_change_activate(&me, "p", "v1", &f.err), 0);
    ck_assert_str_eq(active(), "");
    fixture_close(&f);
}
END_TEST

enum { THREADS = 4, ROUNDS = 20 };

static int add_a_little(void *arg, struct insp_manifest *manifest, struct insp_error *reterr) {
    (void)arg;
    (void)reterr;
    manifest->threshold += 1.0f / 256; /* exact in binary */
    return 0;
}

static void *hammer(void *arg) {
    struct insp_error *err = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct insp_manifest *manifest = NULL;
        if (insp_change_manifest(&me, "p", "v1", add_a_little, NULL, &manifest, err) < 0)
            return arg;
        insp_manifest_free(manifest);
    }
    return NULL;
}

/* Read, change, write: no change is lost when several come at once, and the rows form a chain. */
START_TEST(changes_do_not_mix) {
    begin();
    pthread_t thread[THREADS];
    struct insp_error err[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, hammer, &err[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        ck_assert_msg(!failed, "%s", err[i].detail);
    }
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    ck_insp_ok(insp_bundle_read_manifest(f.dir, "p", "v1", &manifest, &f.err), f.err);
    ck_assert_float_eq(manifest->threshold, 0.5f + (float)THREADS * ROUNDS / 256);
    ck_assert_uint_eq(changes("v1")->count, 1 + THREADS * ROUNDS);
    fixture_close(&f);
}
END_TEST

static int proofs, refusal;
static int prove(void *arg, const char *product, const char *version, struct insp_error *reterr) {
    ck_assert_str_eq(arg, "arg");
    ck_assert_str_eq(product, "p");
    ck_assert_str_ne(version, "");
    proofs++;
    return refusal ? insp_fail(reterr, refusal, "no") : 0;
}

START_TEST(a_version_is_proved_under_the_lock) {
    begin();
    me.prove = prove;
    me.arg = (char[]){"arg"};
    ck_insp_ok(insp_change_activate(&me, "p", "v2", &f.err), f.err);
    ck_assert_int_eq(proofs, 1);
    refusal = INSP_E_SELF_TEST;
    ck_insp_code(insp_change_activate(&me, "p", "v1", &f.err), INSP_E_SELF_TEST, f.err);
    ck_insp_code(insp_change_rollback(&me, "p", "v1", &f.err), INSP_E_SELF_TEST, f.err);
    ck_assert_str_eq(active(), "v2");
    fixture_close(&f);
}
END_TEST

/* A version deleted between the request and the change: the registry must not name it. */
START_TEST(a_version_that_is_gone_is_not_activated) {
    begin();
    ck_insp_ok(insp_change_remove(&me, "p", "v2", &f.err), f.err);
    ck_insp_code(insp_change_activate(&me, "p", "v2", &f.err), INSP_E_NOT_FOUND, f.err);
    ck_assert_str_eq(active(), "v1");
    fixture_close(&f);
}
END_TEST

START_TEST(what_serves_can_be_kept) {
    begin();
    me.keep = prove;
    me.arg = (char[]){"arg"};
    refusal = INSP_E_CONFLICT;
    ck_insp_code(insp_change_remove(&me, "p", "v2", &f.err), INSP_E_CONFLICT, f.err);
    refusal = 0;
    ck_insp_ok(insp_change_remove(&me, "p", "v2", &f.err), f.err);
    fixture_close(&f);
}
END_TEST

static struct insp_shadow_choice shadow(void) {
    struct insp_shadow_choice choice;
    ck_insp_ok(insp_shadow_read(f.dir, "p", &choice, &f.err), f.err);
    return choice;
}

static void begin_shadow(const char *version) {
    struct insp_shadow_choice choice = {.rule = {true, 10, 1, 0}};
    strcpy(choice.version, version);
    ck_insp_ok(insp_change_shadow(&me, "p", &choice, &f.err), f.err);
}

/* Only the run that was counted leads to a promotion; one that was withdrawn or begun anew does not. */
START_TEST(a_promotion_is_that_of_the_present_run) {
    begin();
    begin_shadow("v2");
    me.shadow_since_us = shadow().since_us - 1000;
    ck_insp_code(insp_change_promote(&me, "p", "v2", &f.err), INSP_E_CONFLICT, f.err);
    me.shadow_since_us = shadow().since_us;
    ck_insp_code(insp_change_promote(&me, "p", "v3", &f.err), INSP_E_CONFLICT, f.err);
    ck_assert_str_eq(active(), "v1");
    ck_insp_ok(insp_change_promote(&me, "p", "v2", &f.err), f.err);
    ck_assert_str_eq(active(), "v2");
    ck_assert_str_eq(shadow().version, "");
    ck_insp_ok(insp_change_rollback(&me, "p", "v1", &f.err), f.err);
    ck_insp_code(insp_change_promote(&me, "p", "v2", &f.err), INSP_E_CONFLICT, f.err); /* its parts came late */
    ck_assert_str_eq(active(), "v1");
    fixture_close(&f);
}
END_TEST

/* Counts compare two versions as they are: if one of them changes, the run begins anew with the same rule. */
START_TEST(a_shadow_follows_the_versions_that_it_compares) {
    begin();
    add_version("v3");
    begin_shadow("v2");
    int64_t first_us = shadow().since_us;
    ck_insp_ok(adjust(&me, 0.25F, &f.err), f.err);
    int64_t second_us = shadow().since_us;
    ck_assert_int_gt(second_us, first_us);
    ck_insp_ok(insp_change_activate(&me, "p", "v3", &f.err), f.err);
    struct insp_shadow_choice now = shadow();
    ck_assert_str_eq(now.version, "v2");
    ck_assert_int_gt(now.since_us, second_us);
    ck_assert(now.rule.on && now.rule.parts == 10);
    fixture_close(&f);
}
END_TEST

/* A crash between activation and its end may leave the shadow's file: a rollback does not bring it to life. */
START_TEST(a_shadow_left_behind_ends_with_the_rollback) {
    begin();
    begin_shadow("v2");
    struct insp_shadow_choice left = shadow();
    ck_insp_ok(insp_change_activate(&me, "p", "v2", &f.err), f.err);
    ck_insp_ok(insp_shadow_write(f.dir, "p", &left, &f.err), f.err);
    ck_insp_ok(insp_change_rollback(&me, "p", "v1", &f.err), f.err);
    ck_assert_str_eq(shadow().version, "");
    fixture_close(&f);
}
END_TEST

INSP_TESTS(a_promotion_is_that_of_the_present_run, a_shadow_follows_the_versions_that_it_compares,
           a_shadow_left_behind_ends_with_the_rollback, a_version_is_proved_under_the_lock,
           a_version_that_is_gone_is_not_activated, what_serves_can_be_kept, which_one_serves_is_recorded,
           the_active_one_is_not_removed, each_field_that_changes_has_its_row,
           without_a_store_the_change_is_made_all_the_same, what_cannot_be_recorded_is_as_it_was,
           a_first_activation_that_cannot_be_recorded_is_none, changes_do_not_mix);
