"""The training step of a renderer (chapter "The renderer")."""

# B pair
from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elp.errors import ElpError
from elp.render.mesh2video import losses
from elp.render.mesh2video.draws import RandomDraws
from elp.render.mesh2video.footage import Footage
from elp.render.mesh2video.landmarks import MARKS, Critic, LandmarkNet
from elp.render.mesh2video.layers import on
from elp.render.mesh2video.motion import Anchors
from elp.render.mesh2video.network import Mesh2Video
from elp.render.mesh2video.recipes import RendererRecipe
from elp.training.distributed import Group
from elp.training.loop import Loop

LARGEST = 1.0  # norm of a gradient
BETAS = (0.5, 0.999)  # of Adam
FOOL, RESEMBLE = 0.05, 0.5  # weights of the critic's score and of its features


class Learner(Loop):
    """Steps of one network on pairs of pictures, shared by the processes of a group.

    Args:
        name: of the run. net: what learns. steps: how many there will be. batch: pairs of a step,
            of all processes together. lr: of Adam. seed: of the draws.

    Attributes:
        loss: () of the last step.
    """

    def __init__(
        self,
        name: str,
        net: nn.Module,
        footage: Footage,
        group: Group,
        *,
        steps: int,
        batch: int,
        lr: float,
        seed: int,
    ) -> None:
        if batch % group.size:
            raise ElpError(
                f"{name}: a batch of {batch} cannot be shared by {group.size} processes equally"
            )
        super().__init__(name, group.device, seed * 1009 + group.rank, lr)
        self.net, self.group = net, group
        self.footage = Footage(footage.tensors, RandomDraws(self.generator))
        self.steps, self.batch = steps, batch // group.size
        self.optimizer = _adam(net, self.lr)
        self.loss = torch.zeros((), device=group.device)

    def rate(self, done: int) -> float:
        """Constant, then a line down to a fiftieth."""
        fresh = self.optimizer.defaults["initial"]
        return fresh * min(1.0, max(0.02, 2 - 2 * done / self.steps))

    def clear(self) -> None:
        self.net.zero_grad(set_to_none=True)

    def learn(self, loss: Tensor, net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """One update from a loss, the gradients averaged over the processes."""
        net.zero_grad(set_to_none=True)
        loss.backward()
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        for gradient in gradients if self.group.size > 1 else ():
            self.group.average(gradient)
        nn.utils.clip_grad_norm_(net.parameters(), LARGEST)
        optimizer.step()

    def autocast(self) -> torch.autocast:
        cuda = self.device.type == "cuda"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=cuda, cache_enabled=False)


def _adam(net: nn.Module, lr: Tensor) -> torch.optim.Adam:
    cuda = lr.device.type == "cuda"
    optimizer = torch.optim.Adam(net.parameters(), lr=lr, betas=BETAS, fused=True, capturable=cuda)
    optimizer.defaults["initial"] = float(lr)
    return optimizer


class LandmarkTrainer(Learner):
    """Learns to find the landmarks of the people in `footage`."""

    net: LandmarkNet

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.marks = torch.tensor(MARKS, device=self.device)

    def step(self) -> None:
        pair = self.footage.draw(self.batch)
        with self.autocast():
            found = self.net(pair.truth)
        wanted = pair.points[:, self.marks]
        loss = F.smooth_l1_loss(found, wanted)
        self.learn(loss, self.net, self.optimizer)
        self.loss.copy_(loss.detach())


class RendererTrainer(Learner):
    """Learns to draw the second picture of a pair from the first.

    Args:
        features: the landmark network whose features are compared; it does not learn.

    Attributes:
        critic: joins in the last `recipe.adversarial` of the steps.
    """

    net: Mesh2Video

    def __init__(
        self, recipe: RendererRecipe, footage: Footage, features: LandmarkNet, group: Group
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            net, critic = Mesh2Video(recipe.network), Critic()
        net, critic = on(net, group.device), on(critic, group.device)
        super().__init__(
            recipe.name,
            net,
            footage,
            group,
            steps=recipe.steps,
            batch=recipe.batch,
            lr=recipe.lr,
            seed=recipe.seed,
        )
        self.recipe, self.critic = recipe, critic
        self.features = features.eval().requires_grad_(False)
        self.anchors = Anchors().to(group.device)
        self.critic_optimizer = _adam(critic, self.lr)

    @property
    def judged(self) -> bool:
        """Whether the critic takes part."""
        return self.done >= (1 - self.recipe.adversarial) * self.steps

    def step(self) -> None:
        pair = self.footage.draw(self.batch)
        with self.autocast():
            drawn = self.net(pair.source, pair.driving)
            loss = losses.reconstruction(drawn, pair, self.features)
            if drawn.keypoints is not None:
                loss = loss + losses.taught(drawn, pair, self.anchors)
            if self.judged:
                loss = loss + self._fool(drawn.image, pair.truth)
        self.learn(loss, self.net, self.optimizer)
        self.loss.copy_(loss.detach())
        if self.judged:
            self._judge(drawn.image.detach(), pair.truth)

    def _fool(self, image: Tensor, truth: Tensor) -> Tensor:
        """What the critic says of a picture, and how far its features are from the truth's."""
        fake = self.critic(image)
        with torch.no_grad():
            real = self.critic(truth)
        far = sum((a - b).float().abs().mean() for a, b in zip(fake[:-1], real[:-1], strict=True))
        return -FOOL * fake[-1].float().mean() + RESEMBLE * far

    def _judge(self, image: Tensor, truth: Tensor) -> None:
        """The critic's own step: a hinge loss."""
        with self.autocast():
            real, fake = self.critic(truth)[-1].float(), self.critic(image)[-1].float()
        hinge = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        self.learn(hinge, self.critic, self.critic_optimizer)

    def clear(self) -> None:
        super().clear()
        self.critic.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Everything that a run needs to go on, by name; the draws aside."""
        parts = {"net": self.net, "critic": self.critic, "features": self.features}
        tensors = {
            f"{part}/{name}": x
            for part, net in parts.items()
            for name, x in net.state_dict().items()
        }
        for part, optimizer in (("adam", self.optimizer), ("critic-adam", self.critic_optimizer)):
            for k, moments in optimizer.state_dict()["state"].items():
                tensors |= {f"{part}/{k}/{name}": x for name, x in moments.items()}
        return tensors

    def restore(self, tensors: dict[str, Tensor], done: int) -> None:
        """Go on from `state` after `done` steps."""
        parts: dict[str, dict[str, Tensor]] = {}
        for name, x in tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = x
        for part, net in (("net", self.net), ("critic", self.critic), ("features", self.features)):
            net.load_state_dict(parts[part])
        for part, optimizer in (("adam", self.optimizer), ("critic-adam", self.critic_optimizer)):
            learned = optimizer.param_groups[0]["params"]
            moments: dict[int, dict[str, Tensor]] = {}
            for name, x in parts.get(part, {}).items():
                k, _, rest = name.partition("/")
                # laid out in memory like the parameter: the fused optimiser counts on it
                same = x if x.dim() == 0 else torch.empty_like(learned[int(k)]).copy_(x)
                moments.setdefault(int(k), {})[rest] = same
            optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
            optimizer.param_groups[0]["lr"] = self.lr  # not the copy that loading made
        self.done = done
