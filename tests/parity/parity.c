/* tests/parity/parity.c - the sizes of the structures that Python describes once more for ctypes, so that a
 * description which is out of date fails at once. */
#include "core/compute/device.h"
#include "core/heat/heatmap.h"
#include "core/image/image.h"

#define SIZE(name)                                                                                                \
    extern const size_t insp_parity_##name;                                                                       \
    const size_t insp_parity_##name = sizeof(struct name)
SIZE(insp_error);
SIZE(insp_media_type);
SIZE(insp_image);
SIZE(insp_image_limits);
SIZE(insp_heat_params);
SIZE(insp_heat_summary);
SIZE(insp_device_config);
SIZE(insp_trainer_config);
SIZE(insp_device_usage);
SIZE(insp_transform);
SIZE(insp_picture);
