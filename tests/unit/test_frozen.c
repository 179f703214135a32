#include "core/inspect/frozen.h"

#include "tests/unit/harness.h"

#include <string.h>

static const char *hash(unsigned picture) {
    static char text[65];
    snprintf(text, sizeof text, "%064u", picture);
    return text;
}

static struct insp_frozen *made(unsigned repeats) {
    struct insp_frozen *frozen;
    struct insp_error err;
    ck_insp_ok(insp_frozen_new(repeats, &frozen, &err), err);
    return frozen;
}

START_TEST(a_picture_that_comes_again_is_frozen_until_another_comes) {
    _cleanup_(insp_frozen_freep) struct insp_frozen *frozen = made(1);
    ck_assert(!insp_frozen_note(frozen, "p", "c", hash(1)));
    ck_assert(insp_frozen_note(frozen, "p", "c", hash(1)));
    ck_assert(insp_frozen_note(frozen, "p", "c", hash(1)));
    ck_assert(!insp_frozen_note(frozen, "p", "c", hash(2)));
    ck_assert(!insp_frozen_note(frozen, "p", "c", hash(1))); /* not the last one */
}
END_TEST

START_TEST(a_request_may_be_repeated_as_often_as_allowed) {
    _cleanup_(insp_frozen_freep) struct insp_frozen *frozen = made(3);
    for (unsigned i = 0; i < 3; i++)
        ck_assert(!insp_frozen_note(frozen, "p", "c", hash(1)));
    ck_assert(insp_frozen_note(frozen, "p", "c", hash(1)));
    ck_assert(!insp_frozen_note(frozen, "p", "c", hash(2)));
    ck_assert(!insp_frozen_note(frozen, "p", "c", hash(2))); /* counted from the start */
}
END_TEST

START_TEST(cameras_and_products_do_not_mix) {
    _cleanup_(insp_frozen_freep) struct insp_frozen *frozen = made(1);
    ck_assert(!insp_frozen_note(frozen, "p", "c", hash(1)));
    ck_assert(!insp_frozen_note(frozen, "p", "d", hash(1)));
    ck_assert(!insp_frozen_note(frozen, "q", "c", hash(1)));
    ck_assert(!insp_frozen_note(frozen, "p", "", hash(1)));
    ck_assert(insp_frozen_note(frozen, "p", "c", hash(1)));
    ck_assert(insp_frozen_note(frozen, "p", "", hash(1)));
}
END_TEST

START_TEST(the_memory_is_bounded_and_forgets_the_camera_that_is_silent) {
    _cleanup_(insp_frozen_freep) struct insp_frozen *frozen = made(1);
    char name[16];
    ck_assert(!insp_frozen_note(frozen, "p", "busy", hash(1)));
    ck_assert(!insp_frozen_note(frozen, "p", "silent", hash(1)));
    for (unsigned i = 0; i < 3 * INSP_FROZEN_CAMERAS; i++) {
        snprintf(name, sizeof name, "c%u", i);
        ck_assert(!insp_frozen_note(frozen, "p", name, hash(1)));
        ck_assert(insp_frozen_note(frozen, "p", "busy", hash(1)));
    }
    ck_assert(!insp_frozen_note(frozen, "p", "silent", hash(1)));
}
END_TEST

INSP_TESTS(a_picture_that_comes_again_is_frozen_until_another_comes, a_request_may_be_repeated_as_often_as_allowed,
           cameras_and_products_do_not_mix, the_memory_is_bounded_and_forgets_the_camera_that_is_silent);
