/* Content-Type values. */
#include "core/image/image.h"
#include "harness.h"

#include <string.h>

static void refused(const char *value, const char *text) {
    struct insp_media_type type;
    struct insp_error error = {0};
    ck_insp_code(insp_media_parse(value, &type, &error), INSP_E_MEDIA_TYPE, error);
    ck_assert_msg(strstr(error.detail, text) != NULL, "%s: \"%s\" is not in: %s", value, text, error.detail);
}

static struct insp_media_type accepted(const char *value) {
    struct insp_media_type type = {0};
    struct insp_error error = {0};
    ck_insp_ok(insp_media_parse(value, &type, &error), error);
    return type;
}

START_TEST(test_compressed_types) {
    ck_assert_int_eq(accepted("image/jpeg").media, INSP_MEDIA_JPEG);
    ck_assert_int_eq(accepted(" IMAGE/JPG ; charset=binary").media, INSP_MEDIA_JPEG);
    ck_assert_int_eq(accepted("image/png;;q=\"a;b\\\"c\";").media, INSP_MEDIA_PNG);
}
END_TEST

START_TEST(test_raw_parameters) {
    struct insp_media_type type = accepted("image/x-raw;format=mono8;width=640;height=480");
    ck_assert_int_eq(type.media, INSP_MEDIA_RAW);
    ck_assert_int_eq(type.raw_format, INSP_RAW_MONO8);
    ck_assert_uint_eq(type.raw_width, 640);
    ck_assert_uint_eq(type.raw_height, 480);
    type = accepted("Image/X-Raw; HEIGHT=\"2\" ;\twidth=4294967295; line=7; Format=\"BGR8\"");
    ck_assert_int_eq(type.raw_format, INSP_RAW_BGR8);
    ck_assert_uint_eq(type.raw_width, UINT32_MAX);
    ck_assert_uint_eq(type.raw_height, 2);
    ck_assert_int_eq(accepted("image/x-raw;format=rgb8;width=1;height=1").raw_format, INSP_RAW_RGB8);
}
END_TEST

START_TEST(test_other_types_are_refused) {
    refused(NULL, "the Content-Type is missing");
    refused("", "the Content-Type is missing");
    refused("text/plain", "\"text/plain\" is not supported");
    refused("image/jpegs", "not supported");
    refused("image", "image/jpeg, image/png and image/x-raw");
    refused("image/", "not supported");
    refused("imageimageimageimage/jpeg", "not supported");
    refused("application/jpeg", "not supported");
}
END_TEST

START_TEST(test_bad_parameters_are_refused) {
    refused("image/png garbage", "malformed parameter");
    refused("image/png; a", "malformed parameter");
    refused("image/png; a=", "malformed parameter");
    refused("image/png; a=\"open", "malformed parameter");
    refused("image/png; =b", "malformed parameter");
    refused("image/x-raw", "needs format, width and height");
    refused("image/x-raw;format=mono8;width=640", "needs format, width and height");
    refused("image/x-raw;format=mono16;width=1;height=1", "format cannot be \"mono16\"");
    refused("image/x-raw;format=mono8;width=0;height=1", "width cannot be \"0\"");
    refused("image/x-raw;format=mono8;width=-1;height=1", "width cannot be \"-1\"");
    refused("image/x-raw;format=mono8;width=4294967296;height=1", "width cannot be");
    refused("image/x-raw;format=mono8;width=1;height=\"\"", "height cannot be");
    refused("image/x-raw;format=mono8;width=1;height=000000000000000000000000000000000000001", "height cannot be");
    refused("image/x-raw;format=mono8;width=1;width=2;height=1", "width is given twice");
}
END_TEST

START_TEST(test_names) {
    ck_assert_str_eq(insp_media_name(INSP_MEDIA_JPEG), "image/jpeg");
    ck_assert_str_eq(insp_media_name(INSP_MEDIA_RAW), "image/x-raw");
    ck_assert_str_eq(insp_media_extension(INSP_MEDIA_JPEG), "jpg");
    ck_assert_str_eq(insp_media_extension(INSP_MEDIA_PNG), "png");
    ck_assert_str_eq(insp_media_extension(INSP_MEDIA_RAW), "raw");
}
END_TEST

INSP_TESTS(test_compressed_types, test_raw_parameters, test_other_types_are_refused,
           test_bad_parameters_are_refused, test_names);
