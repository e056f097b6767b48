"""OpenVINO on the CPU; `how` is the precision that it may choose for what is float32."""

import openvino as ov


def open_model(model, how):
    core = ov.Core()
    network = core.read_model(model)
    network.reshape([1, 28, 28, 1])
    steps = ov.preprocess.PrePostProcessor(network)  # OpenVINO's way: the network takes the bytes
    steps.input().tensor().set_element_type(ov.Type.u8)
    steps.input().preprocess().convert_element_type(ov.Type.f32).scale(255.0)
    settings = {
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": how,
    }
    request = core.compile_model(steps.build(), "CPU", settings).create_infer_request()
    taken, given = request.get_input_tensor().data, request.get_output_tensor().data

    def predict(image):
        taken[0, :, :, 0] = image
        request.infer()
        return given.argmax()

    return {"predict": predict, "run": request.infer}
