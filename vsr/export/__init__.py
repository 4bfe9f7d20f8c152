"""Networks as files for other runtimes: ONNX, OpenVINO IR, and the TensorRT engines of vsr's own backend."""
