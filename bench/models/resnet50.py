"""ResNet-50 (v1.5: the stride is in the 3x3 convolution) inference, parameters in variables or frozen to constants."""

from libraries import Row

from models.network import eager, graph

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # width, blocks
FLOPS = 8.18e9  # of one 224x224 image


def network(b, x):
    x = b.max_pool(b.conv(x, 64, (7, 7), 2), "SAME")
    for stage, (width, blocks) in enumerate(STAGES):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            shortcut = x if block else b.conv(x, 4 * width, (1, 1), stride, relu=False)
            y = b.conv(b.conv(x, width, (1, 1)), width, (3, 3), stride)
            x = b.add_relu(b.conv(y, 4 * width, (1, 1), relu=False), shortcut)
    return b.classify(x)


ROWS = [
    Row(f"{kind}_b{batch}", graph, eager, (network, batch, 224, kind == "frozen"), flops=batch * FLOPS)
    for batch in (1, 8)
    for kind in ("frozen", "variables")
]
