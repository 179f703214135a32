/* daemon/serve_config.h - converts settings to the configurations of api and core. Pure; any thread. The returned
 * structs borrow strings from the settings. */
#ifndef INSP_DAEMON_SERVE_CONFIG_H
#define INSP_DAEMON_SERVE_CONFIG_H

#include "api/api.h"
#include "daemon/settings.h"

struct insp_device_config daemon_device_config(const struct daemon_settings *settings);
struct insp_device_config daemon_training_device_config(const struct daemon_settings *settings);
struct insp_lanes_config daemon_lanes_config(const struct daemon_settings *settings);
struct insp_image_limits daemon_image_limits(const struct daemon_settings *settings);
enum insp_durability daemon_durability(const struct daemon_settings *settings);

/* Fills everything but listen_fd (-1), lanes, busy, engine, store, cache_folder and image_limits.budget, which the
 * caller sets. */
struct api_config daemon_api_config(const struct daemon_settings *settings);

#endif
