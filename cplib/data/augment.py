"""Training images that are translated and mirrored as they are taken.

The set is padded once and pixels are gathered by their place in it, so that no image is
copied twice and batches are in memory as convolutions like them (channels last).
"""

import torch
import torch.nn.functional as F


class Augmented:
    """Translations by up to `shift` pixels, and mirroring left to right half the time.

    Args:
        images: (N, C, H, W), normalised: pixels shifted in from outside are 0, the mean
            colour.
        shift: the longest translation, in pixels, in either direction.
        mirror: whether images are mirrored with probability 1/2.
    """

    def __init__(self, images: torch.Tensor, shift: int, mirror: bool):
        self.size = images.shape[2:]
        self.shift, self.mirror = shift, mirror
        padded = F.pad(images, (shift,) * 4).permute(0, 2, 3, 1)
        self.padded = padded.shape[1:3]
        self.pixels = padded.reshape(-1, images.shape[1])

    def take(self, chosen: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """The images number `chosen` (B,), each moved at random: (B, C, H, W).

        Args:
            chosen: on the device of the images.
            random: CPU generator.
        """
        count, device = len(chosen), chosen.device
        height, width = self.size
        down, right = torch.randint(0, 2 * self.shift + 1, (2, count), generator=random)
        columns = right[:, None] + torch.arange(width)  # (B, W), in the padded image
        if self.mirror:
            mirrored = torch.rand(count, generator=random) < 0.5
            columns = torch.where(mirrored[:, None], columns.flip(1), columns)
        rows = (down[:, None] + torch.arange(height)).to(device)
        rows = rows + chosen[:, None] * self.padded[0]  # (B, H), of all padded images
        places = rows[:, :, None] * self.padded[1] + columns.to(device)[:, None, :]
        taken = self.pixels.index_select(0, places.flatten())
        return taken.view(count, height, width, -1).permute(0, 3, 1, 2)
