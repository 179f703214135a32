#include "api/modbus/stations.h"

#include "core/base/clock.h"
#include "core/inspect/inspection.h"
#include "core/model/manifest.h"
#include "core/model/model.h"
#include "harness.h"

#include <netinet/in.h>
#include <string.h>

static struct insp_error err;

static void ck_refused(int (*check)(const char *, struct insp_error *), const char *text, const char *reason) {
    ck_insp_code(check(text, &err), INSP_E_CONFIG, err);
    ck_assert_msg(strstr(err.detail, reason) != NULL, "\"%s\" does not say \"%s\"", err.detail, reason);
}

START_TEST(test_wrong_texts_are_refused) {
    ck_refused(api_stations_check, "cam1", "form name=value");
    ck_refused(api_stations_check, "0=cam1", "it must be 1 to 247");
    ck_refused(api_stations_check, "248=cam1", "it must be 1 to 247");
    ck_refused(api_stations_check, "1=a,1=b", "two entries for 1");
    ck_refused(api_stations_check, "1=a,2=a", "the camera \"a\" twice");
    char text[140] = "1=";
    memset(text + 2, 'c', 129);
    ck_refused(api_stations_check, text, "longer than 128 bytes");
    ck_refused(api_station_products_check, "1=../x", "no name of a product");
    ck_refused(api_station_products_check, "65536=x", "it must be 1 to 65535");
    ck_insp_ok(api_stations_check("", &err), err);
    ck_insp_ok(api_stations_check("1=cam1, 247=camera 2", &err), err);
}
END_TEST

START_TEST(test_addresses_to_listen_on) {
    struct sockaddr_storage at;
    static const char *const wrong[] = {"1502",           ":1502",         "plc.example:1502", "1.2.3.4",
                                        "1.2.3.4:",       "1.2.3.4:65536", "::1:1502",         "[::1]",
                                        "[1.2.3.4]:1502", "[]:1",          "1.2.3.4:-1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_refused(api_modbus_listen_check, wrong[i], "must be an address and a port");
    ck_insp_ok(api_modbus_address("127.0.0.1:1502", &at, &err), err);
    ck_assert_uint_eq(ntohs(((struct sockaddr_in *)&at)->sin_port), 1502);
    ck_insp_ok(api_modbus_address("[::]:0", &at, &err), err);
    ck_assert_uint_eq(at.ss_family, AF_INET6);
    ck_insp_ok(api_modbus_listen_check("", &err), err);
}
END_TEST

/* Stations with one whose PLC waits for a result. */
static struct api_stations *made(struct insp_station **ret) {
    static const struct insp_station_writer plc;
    static const bool on = true;
    struct api_stations *stations;
    unsigned unit;
    const char *camera;
    ck_insp_ok(api_stations_new("1=cam1, 7=cam2", "3=carpet, 4=bottle", 60, &stations, &err), err);
    ck_assert_uint_eq(api_stations_count(stations), 2);
    *ret = api_stations_at(stations, 1, &unit, &camera);
    ck_assert(unit == 7 && !strcmp(camera, "cam2") && api_stations_unit(stations, 7) == *ret);
    ck_assert_ptr_null(api_stations_unit(stations, 2));
    insp_station_write(*ret, &plc, INSP_COIL_HEARTBEAT, 1, &on, insp_mono_us() - 1000);
    insp_station_write(*ret, &plc, INSP_COIL_ENABLE, 1, &on, insp_mono_us() - 1000);
    return stations;
}

static struct insp_inspection job_of(struct insp_model *model) {
    return (struct insp_inspection){.camera = "cam2",
                                    .part = "p",
                                    .id = "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f",
                                    .model = model,
                                    .verdict = INSP_VERDICT_GOOD,
                                    .started_us = insp_mono_us() - 500};
}

START_TEST(test_a_result_reaches_the_station_of_its_camera) {
    struct insp_station *station;
    struct api_stations *stations = made(&station);
    struct insp_manifest manifest = {.product = "carpet"};
    struct insp_model model = {.manifest = &manifest};
    struct insp_inspection job = job_of(&model);
    strcpy(job.camera, "cam3");
    api_stations_offer(stations, &job);
    ck_assert(!station->valid);
    strcpy(job.camera, "cam2");
    api_stations_begin(stations, job.camera);
    ck_assert_uint_eq(station->in_flight, 1);
    api_stations_offer(stations, &job);
    api_stations_end(stations, job.camera);
    ck_assert(insp_station_good(station) && station->in_flight == 0);
    ck_assert_str_eq(station->result.part, "p");
    api_stations_offer(NULL, &job);
    api_stations_free(stations);
}
END_TEST

static enum insp_station_error presented(uint16_t product, int64_t takt_us) {
    struct insp_station *station;
    struct api_stations *stations = made(&station);
    struct insp_manifest manifest = {.product = "carpet"};
    struct insp_model model = {.manifest = &manifest};
    struct insp_inspection job = job_of(&model);
    station->part.product = product;
    job.takt_us = takt_us;
    api_stations_offer(stations, &job);
    enum insp_station_error error = station->error;
    ck_assert(station->valid && insp_station_good(station) == !error);
    api_stations_free(stations);
    return error;
}

START_TEST(test_another_product_and_a_late_verdict_are_rejects) {
    ck_assert_int_eq(presented(0, 0), INSP_STATION_NO_ERROR);
    ck_assert_int_eq(presented(3, 600000000), INSP_STATION_NO_ERROR);
    ck_assert_int_eq(presented(4, 0), INSP_STATION_PRODUCT);
    ck_assert_int_eq(presented(5, 0), INSP_STATION_PRODUCT); /* not in the list */
    ck_assert_int_eq(presented(3, 100), INSP_STATION_LATE);
}
END_TEST

START_TEST(test_a_failure_is_undecided) {
    struct insp_station *station;
    struct api_stations *stations = made(&station);
    api_stations_undecided(stations, "cam2", "p", "i", INSP_E_IMAGE, insp_mono_us() - 500);
    ck_assert(station->valid && !insp_station_good(station) && station->error == INSP_STATION_NO_VERDICT);
    ck_assert_int_eq(station->result.verdict, INSP_STATION_UNDECIDED);
    api_stations_free(stations);
}
END_TEST

INSP_TESTS(test_wrong_texts_are_refused, test_addresses_to_listen_on,
           test_a_result_reaches_the_station_of_its_camera, test_another_product_and_a_late_verdict_are_rejects,
           test_a_failure_is_undecided);
