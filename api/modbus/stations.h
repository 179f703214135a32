/* api/modbus/stations.h - hold the stations of the setting modbus.stations, and offer them the results of their
 * cameras. Loop thread, except the checks, which are pure.
 *
 * All functions accept NULL stations (Modbus is off) and cameras without a station, and then do nothing. */
#ifndef INSP_API_MODBUS_STATIONS_H
#define INSP_API_MODBUS_STATIONS_H

#include "core/base/error.h"
#include "core/line/station.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct api_stations;
struct insp_inspection;

/* Check the texts of modbus.stations, "1=cam1, 2=cam2", of modbus.products, "1=carpet, 2=bottle", and of
 * modbus.listen, "192.0.2.7:1502" or "[::]:1502". Fail with INSP_E_CONFIG; the detail is a clause that follows the
 * name of the setting. */
int api_stations_check(const char *text, struct insp_error *reterr);
int api_station_products_check(const char *text, struct insp_error *reterr);
int api_modbus_listen_check(const char *text, struct insp_error *reterr);

/* Reads the text of modbus.listen, which is not empty. Fails as the check does. */
int api_modbus_address(const char *text, struct sockaddr_storage *ret, struct insp_error *reterr);

/* Makes the stations of both texts, whose PLCs beat at least every heartbeat_s; *ret is the caller's. Fails as the
 * checks do, and with INSP_E_NOMEM. */
int api_stations_new(const char *stations, const char *products, unsigned heartbeat_s, struct api_stations **ret,
                     struct insp_error *reterr);
void api_stations_free(struct api_stations *stations);

/* Returns the number of stations, and the one at 0..count-1 with its unit and its camera (borrowed). */
size_t api_stations_count(const struct api_stations *stations);
struct insp_station *api_stations_at(struct api_stations *stations, size_t at, unsigned *ret_unit,
                                     const char **ret_camera);

/* Returns the camera of a unit, borrowed; NULL: the unit has no station. */
const char *api_stations_camera(const struct api_stations *stations, unsigned unit);

/* Returns the station of a unit; NULL: none. */
struct insp_station *api_stations_unit(struct api_stations *stations, unsigned unit);

/* Finds the product that the PLC of a station expects. Returns false if its index is not in modbus.products. *ret
 * is
 * "" if the PLC has set none. ret has INSP_NAME_BYTES bytes. */
bool api_station_product(const struct api_stations *stations, const struct insp_station *station, char *ret);

/* Count an image of a camera that has begun to arrive, and one that has its answer. */
void api_stations_begin(struct api_stations *stations, const char *camera);
void api_stations_end(struct api_stations *stations, const char *camera);

/* Offers a stored inspection. */
void api_stations_offer(struct api_stations *stations, const struct insp_inspection *job);

/* Offers an image that got no verdict.
 *   code  the reason, an enum insp_code
 *   id    of the inspection */
void api_stations_undecided(struct api_stations *stations, const char *camera, const char *part, const char *id,
                            int code, int64_t started_us);

/* Lets time pass for all stations. */
void api_stations_turn(struct api_stations *stations, int64_t now_us);

#endif
