# libtorch: Debian's libtorch-dev, Debian contrib's libtorch-cuda-dev, or PyTorch's own by CMAKE_PREFIX_PATH.
# Defines the imported interface target insp_torch.
find_package(Torch QUIET)
if(NOT Torch_FOUND)
  message(FATAL_ERROR "libtorch is missing: apt-get install libtorch-dev, or point CMAKE_PREFIX_PATH at PyTorch's "
    "own libtorch folder (or run ./dev build)")
endif()
