#include "core/model/safetensors.h"

#include "core/base/fs.h"
#include "harness.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/insp-safetensors-XXXXXX";
static char path[sizeof folder + 32];

static void enter(void) {
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file.safetensors", folder);
}

static void leave(void) {
    ck_insp_ok(insp_remove_tree(folder, NULL), ((struct insp_error){0}));
}

/* Writes length (UINT64_MAX: the header's own), header and `data_bytes` bytes 0, 1, 2... */
static void write_raw(uint64_t length, const char *header, size_t data_bytes) {
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    uint64_t said = length == UINT64_MAX ? strlen(header) : length;
    fwrite(&said, sizeof said, 1, f);
    fwrite(header, 1, strlen(header), f);
    for (size_t i = 0; i < data_bytes; i++)
        fputc((int)(i & 0xff), f);
    ck_assert_int_eq(fclose(f), 0);
}

static void refused(uint64_t length, const char *header, size_t data_bytes, const char *why) {
    struct insp_error error = {0};
    struct insp_safetensors *file = NULL;
    write_raw(length, header, data_bytes);
    int r = insp_safetensors_open(path, &file, &error);
    ck_assert_msg(r == INSP_E_MODEL, "%s -> %d (%s)", header, r, error.detail);
    ck_assert_msg(strstr(error.detail, why), "%s: \"%s\" does not say \"%s\"", header, error.detail, why);
    ck_assert_ptr_null(file);
}

START_TEST(test_round_trip) {
    struct insp_error error = {0};
    const float weights[6] = {1, -2.5F, 0x1p-126F, 3e38F, -0.0F, 1e-40F};
    const uint16_t halves[3] = {0x3c00, 0x0001, 0x7c00}, brains[1] = {0x3f80};
    struct insp_tensor tensors[] = {
        {.name = "b.weight", .dtype = INSP_F32, .rank = 2, .shape = {2, 3}, .elements = 6, .data = weights},
        {.name = "a \"quoted\" \xc3\xa9",
         .dtype = INSP_F16,
         .rank = 1,
         .shape = {3},
         .elements = 3,
         .data = halves},
        {.name = "scalar", .dtype = INSP_BF16, .rank = 0, .elements = 1, .data = brains},
        {.name = "empty", .dtype = INSP_F32, .rank = 2, .shape = {0, 4}, .elements = 0, .data = weights},
    };
    enter();
    ck_insp_ok(insp_safetensors_write(path, tensors, INSP_COUNT(tensors), &error), error);
    _cleanup_(insp_safetensors_closep) struct insp_safetensors *file = NULL;
    ck_insp_ok(insp_safetensors_open(path, &file, &error), error);
    ck_assert_uint_eq(insp_safetensors_count(file), INSP_COUNT(tensors));
    ck_assert_ptr_null(insp_safetensors_at(file, INSP_COUNT(tensors)));
    ck_assert_ptr_null(insp_safetensors_find(file, "a"));
    for (size_t i = 0; i < INSP_COUNT(tensors); i++) {
        const struct insp_tensor *t = insp_safetensors_find(file, tensors[i].name);
        ck_assert_ptr_nonnull(t);
        ck_assert_int_eq(t->dtype, tensors[i].dtype);
        ck_assert_uint_eq(t->rank, tensors[i].rank);
        ck_assert_uint_eq(t->elements, tensors[i].elements);
        ck_assert_mem_eq(t->shape, tensors[i].shape, sizeof t->shape);
    }
    float got[6];
    insp_tensor_to_f32(insp_safetensors_find(file, "b.weight"), got);
    ck_assert_mem_eq(got, weights, sizeof got);
    insp_tensor_to_f32(insp_safetensors_find(file, tensors[1].name), got);
    ck_assert(got[0] == 1.0F && got[1] == 0x1p-24F && isinf(got[2]) && got[2] > 0);
    insp_tensor_to_f32(insp_safetensors_find(file, "scalar"), got);
    ck_assert(got[0] == 1.0F);

    _cleanup_free_ char *bytes = NULL;
    size_t count = 0;
    uint64_t header_bytes = 0;
    ck_insp_ok(insp_read_file(path, 1 << 20, &bytes, &count, &error), error);
    memcpy(&header_bytes, bytes, sizeof header_bytes);
    ck_assert_uint_eq(header_bytes % 8, 0);
    ck_assert_int_eq(strncmp(bytes + 8, "{\"__metadata__\":{\"format\":\"pt\"},", 32), 0);
    leave();
}
END_TEST

START_TEST(test_offsets_from_another_writer) { /* metadata last, tensors in any order, data unaligned */
    struct insp_error error = {0};
    enter();
    write_raw(
        UINT64_MAX,
        "{\"late\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]},"
        "\"early\":{\"dtype\":\"F16\",\"shape\":[1,1],\"data_offsets\":[0,2]},\"__metadata__\":{\"a\":\"b\"}}  ",
        6);
    _cleanup_(insp_safetensors_closep) struct insp_safetensors *file = NULL;
    ck_insp_ok(insp_safetensors_open(path, &file, &error), error);
    ck_assert_str_eq(insp_safetensors_at(file, 0)->name, "early");
    float value;
    const uint32_t bits = 0x05040302;
    insp_tensor_to_f32(insp_safetensors_find(file, "late"), &value);
    ck_assert_mem_eq(&value, &bits, 4);
    leave();
}
END_TEST

#define TENSOR(dtype, shape, offsets)                                                                             \
    "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

START_TEST(test_hostile_headers) {
    static const struct {
        const char *header;
        size_t data_bytes;
        const char *why;
    } cases[] = {
        {"", 0, "not JSON"},
        {"[]", 0, "not a JSON object"},
        {"{\"t\":", 0, "not JSON"},
        {"{\"t\":1}", 0, "not an object"},
        {"{\"\":{}}", 0, "name has 0 bytes"},
        {"{\"t\":{}}", 0, "no dtype"},
        {TENSOR("3", "[1]", "[0,4]"), 4, "no dtype"},
        {TENSOR("\"I64\"", "[1]", "[0,8]"), 8, "dtype I64"},
        {TENSOR("\"F32\"", "1", "[0,4]"), 4, "no shape"},
        {TENSOR("\"F32\"", "[1.0]", "[0,4]"), 4, "dimension 0 is not a whole number"},
        {TENSOR("\"F32\"", "[-1]", "[0,4]"), 4, "dimension 0 is not a whole number"},
        {TENSOR("\"F32\"", "[1,1,1,1,1]", "[0,4]"), 4, "5 dimensions"},
        {TENSOR("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0, "overflows"},
        {TENSOR("\"F32\"", "[4611686018427387904]", "[0,0]"), 0, "elements of F32"}, /* x 4 bytes is 2^64 */
        {TENSOR("\"F32\"", "[99999999999999999999]", "[0,4]"), 4, "not JSON"},
        {TENSOR("\"F32\"", "[1]", "[0]"), 4, "two whole numbers"},
        {TENSOR("\"F32\"", "[1]", "[0,4,8]"), 8, "two whole numbers"},
        {TENSOR("\"F32\"", "[1]", "[0.0,4]"), 4, "two whole numbers"},
        {TENSOR("\"F32\"", "[1]", "{}"), 4, "two whole numbers"},
        {TENSOR("\"F32\"", "[1]", "[-4,0]"), 4, "outside the file"},
        {TENSOR("\"F32\"", "[1]", "[4,0]"), 4, "outside the file"},
        {TENSOR("\"F32\"", "[1]", "[0,5]"), 4, "outside the file"},
        {TENSOR("\"F32\"", "[1]", "[0,9223372036854775807]"), 4, "outside the file"},
        {TENSOR("\"F32\"", "[2]", "[0,4]"), 4, "4 bytes of data for 2 elements"},
        {TENSOR("\"F16\"", "[1]", "[0,4]"), 4, "4 bytes of data for 1 elements of F16"},
        {TENSOR("\"F32\"", "[1]", "[0,4]"), 5, "1 bytes behind the last tensor"},
        {TENSOR("\"F32\"", "[1]", "[4,8]"), 8, "4 bytes before tensor t"},
        {"{}", 1, "1 bytes behind the last tensor"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         8, "duplicate"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"u\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         8, "tensor u overlaps t"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"u\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
         12, "4 bytes before tensor u"},
        {"{\"t\\u0000\":{}}", 0, "not JSON"},
        {"{\"\xff\":{}}", 0, "not JSON"},
    };
    enter();
    for (size_t i = 0; i < INSP_COUNT(cases); i++)
        refused(UINT64_MAX, cases[i].header, cases[i].data_bytes, cases[i].why);

    char longest[INSP_TENSOR_NAME_BYTES + 8] = "{\"";
    memset(longest + 2, 'n', INSP_TENSOR_NAME_BYTES);
    strcpy(longest + 2 + INSP_TENSOR_NAME_BYTES, "\":{}}");
    refused(UINT64_MAX, longest, 0, "name has 128 bytes");
    leave();
}
END_TEST

START_TEST(test_hostile_lengths) {
    struct insp_error error = {0};
    struct insp_safetensors *file = NULL;
    enter();
    refused(3, "{}", 0, "header length 3");
    refused(INT64_MAX, "{}", 0, "header length");
    refused(UINT64_MAX - 1, "{}", 0, "header length");
    refused(0, "", 0, "not JSON");
    refused((4 << 20) + 1, "{}", (4 << 20) + 1, "more than the limit");

    FILE *f = fopen(path, "wb"); /* shorter than the length field */
    ck_assert_ptr_nonnull(f);
    fputs("1234567", f);
    fclose(f);
    ck_insp_code(insp_safetensors_open(path, &file, &error), INSP_E_MODEL, error);
    ck_insp_code(insp_safetensors_open("/nonexistent/x", &file, &error), INSP_E_IO, error);
    ck_insp_code(insp_safetensors_open(folder, &file, &error), INSP_E_IO, error);
    leave();
}
END_TEST

START_TEST(test_nested_bombs) { /* deep JSON ends in an error, not in the stack */
    enter();
    _cleanup_free_ char *deep = malloc(1 << 20);
    ck_assert_ptr_nonnull(deep);
    memset(deep, '[', (1 << 20) - 1);
    deep[(1 << 20) - 1] = '\0';
    refused(UINT64_MAX, deep, 0, "not JSON");
    leave();
}
END_TEST

/* Every binary16 against its definition, computed another way (ldexp). */
START_TEST(test_every_half) {
    for (uint32_t bits = 0; bits <= UINT16_MAX; bits++) {
        uint16_t half = (uint16_t)bits;
        struct insp_tensor tensor = {.dtype = INSP_F16, .elements = 1, .data = &half};
        float got;
        insp_tensor_to_f32(&tensor, &got);
        int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
        double magnitude = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        ck_assert_int_eq(!!signbit(got), bits >> 15);
        if (exponent == 31)
            ck_assert(fraction ? isnan(got) : isinf(got));
        else
            ck_assert_msg(fabs((double)got) == magnitude, "%04x -> %a, expected %a", bits, (double)got, magnitude);
    }
}
END_TEST

START_TEST(test_bfloat16) {
    const uint16_t bits[] = {0x3f80, 0xc020, 0x0001, 0x7f80, 0x7fc0, 0x8000};
    struct insp_tensor tensor = {.dtype = INSP_BF16, .elements = INSP_COUNT(bits), .data = bits};
    float got[INSP_COUNT(bits)];
    insp_tensor_to_f32(&tensor, got);
    ck_assert(got[0] == 1.0F && got[1] == -2.5F && got[2] == 0x1p-133F && isinf(got[3]) && isnan(got[4]));
    ck_assert(got[5] == 0 && signbit(got[5]));
}
END_TEST

START_TEST(test_write_refuses) {
    struct insp_error error = {0};
    float zero = 0;
    struct insp_tensor twice[] = {{.name = "t", .rank = 1, .shape = {1}, .elements = 1, .data = &zero},
                                  {.name = "t", .rank = 1, .shape = {1}, .elements = 1, .data = &zero}};
    enter();
    ck_insp_code(insp_safetensors_write(path, twice, 2, &error), INSP_E_INTERNAL, error);
    twice[0].elements = 2; /* contradicts its shape */
    ck_insp_code(insp_safetensors_write(path, twice, 1, &error), INSP_E_INTERNAL, error);
    twice[0].elements = 1;
    ck_assert_int_lt(insp_safetensors_write("/nonexistent/x", twice, 1, &error), 0);
    ck_insp_code(insp_safetensors_write("/dev/full/x", twice, 1, &error), INSP_E_IO, error);
    struct stat st;
    ck_assert_int_lt(stat(path, &st), 0); /* nothing was left */
    leave();
}
END_TEST

INSP_TESTS(test_round_trip, test_offsets_from_another_writer, test_hostile_headers, test_hostile_lengths,
           test_nested_bombs, test_every_half, test_bfloat16, test_write_refuses);
