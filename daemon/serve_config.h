/* daemon/serve_config.h - settings as the parts below want them. Pure; what is returned borrows from settings. */
#ifndef INSP_DAEMON_SERVE_CONFIG_H
#define INSP_DAEMON_SERVE_CONFIG_H

#include "api/api.h"
#include "daemon/settings.h"

struct insp_device_config daemon_device_config(const struct daemon_settings *settings);
struct insp_device_config daemon_training_device_config(const struct daemon_settings *settings);
struct insp_lanes_config daemon_lanes_config(const struct daemon_settings *settings);
struct insp_image_limits daemon_image_limits(const struct daemon_settings *settings);
enum insp_durability daemon_durability(const struct daemon_settings *settings);

/* Without listen_fd, engine, store and cache_folder, which are the caller's to fill in. */
struct api_config daemon_api_config(const struct daemon_settings *settings);

#endif
