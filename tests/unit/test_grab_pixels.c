#include "daemon/grab/grab_pixels.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

static int body(struct grab_frame frame, uint8_t **ret, size_t *ret_bytes, char *type) {
    struct insp_error error = {0};
    return grab_body(&frame, ret, ret_bytes, type, &error);
}

START_TEST(padding_is_left_out) {
    uint8_t data[] = {1, 2, 3, 99, 4, 5, 6, 99}, *out;
    char type[128];
    size_t bytes;
    const struct grab_frame frame = {
        .format = GRAB_MONO8, .width = 3, .height = 2, .padding = 1, .data = data, .bytes = sizeof data - 1};
    ck_assert_int_eq(body(frame, &out, &bytes, type), 0);
    ck_assert_uint_eq(bytes, 6);
    ck_assert_mem_eq(out, ((uint8_t[]){1, 2, 3, 4, 5, 6}), 6);
    ck_assert_str_eq(type, "image/x-raw;format=mono8;width=3;height=2");
    free(out);
}
END_TEST

START_TEST(colours) {
    uint8_t data[12] = {200, 100, 100, 50}, *out;
    char type[128];
    size_t bytes;
    struct grab_frame frame = {.format = GRAB_BAYER_RG8, .width = 2, .height = 2, .data = data, .bytes = 4};
    ck_assert_int_eq(body(frame, &out, &bytes, type), 0);
    ck_assert_uint_eq(bytes, 12);
    ck_assert_mem_eq(out, ((uint8_t[]){200, 100, 50}), 3);
    ck_assert_str_eq(type, "image/x-raw;format=rgb8;width=2;height=2");
    free(out);
    frame.format = GRAB_BGR8;
    frame.bytes = 12;
    ck_assert_int_eq(body(frame, &out, &bytes, type), 0);
    ck_assert_mem_eq(out, data, 12);
    ck_assert_str_eq(type, "image/x-raw;format=bgr8;width=2;height=2");
    free(out);
}
END_TEST

START_TEST(what_cannot_be_posted_is_refused) {
    uint8_t data[16] = {0}, *out;
    char type[128];
    size_t bytes;
    struct grab_frame frame = {.format = 0x01100007, .width = 2, .height = 2, .data = data, .bytes = 8};
    ck_assert(!grab_format_known(0x01100007)); /* Mono16 */
    ck_assert(grab_format_known(GRAB_BAYER_GB8));
    ck_assert_int_eq(body(frame, &out, &bytes, type), INSP_E_MEDIA_TYPE);
    frame.format = GRAB_RGB8;
    ck_assert_int_eq(body(frame, &out, &bytes, type), INSP_E_IMAGE); /* 12 bytes are needed */
    frame.format = GRAB_MONO8;
    frame.width = 1;
    ck_assert_int_eq(body(frame, &out, &bytes, type), INSP_E_IMAGE);
    frame.width = 4000000000U;
    ck_assert_int_eq(body(frame, &out, &bytes, type), INSP_E_IMAGE);
}
END_TEST

INSP_TESTS(padding_is_left_out, colours, what_cannot_be_posted_is_refused);
