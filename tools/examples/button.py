"""Press a button, and the digit before the camera is classified.

    python button.py            # a button between GPIO 17 and ground, the first camera

The library that watches the pin calls back from a thread of its own, which must not be held up:
a press only leaves a note, and a worker takes the picture.
"""

from __future__ import annotations

import queue
import signal
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from mnist_edge import Classifier, InputError, Prediction
from mnist_edge.image_file import read_array

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


class DigitReader:
    """Takes a picture at each press and says what is on it."""

    def __init__(
        self,
        classifier: Classifier,
        capture: Callable[[], np.ndarray],
        heard: Callable[[Prediction | Exception], None],
    ) -> None:
        """Start the worker.

        Args:
            classifier: stays the caller's, who closes it after `close`.
            capture: returns a picture, grey, uint8 [H,W].
            heard: gets the prediction, or why there is none, from the worker's thread.
        """
        self._classifier, self._capture, self._heard = classifier, capture, heard
        self._presses: queue.Queue[bool] = queue.Queue(maxsize=1)
        self._worker = threading.Thread(target=self._work)
        self._worker.start()

    def press(self) -> None:
        """Return at once; a press while another one waits is the same wish, and is dropped."""
        with suppress(queue.Full):
            self._presses.put_nowait(True)

    def close(self) -> None:
        """Finish what was pressed for, then end the worker."""
        self._presses.put(False)
        self._worker.join()

    def _work(self) -> None:
        while self._presses.get():
            try:
                found: Prediction | Exception = self._answer()
            except Exception as error:  # a blank sheet, a camera's own: the next press may do
                found = error
            self._heard(found)

    def _answer(self) -> Prediction:
        reading = read_array(self._capture())
        if not reading.sure:
            raise InputError(", ".join(reading.steps))
        return self._classifier.predict(reading.image)


def main(camera: int | str = 0, pin: int = 17) -> None:
    """Print an answer for each press until SIGTERM or Ctrl-C."""
    import cv2
    from gpiozero import Button

    capture = cv2.VideoCapture(camera)

    def picture() -> np.ndarray:
        for _stale in range(4):  # frames from before the press wait in the driver's queue
            capture.grab()
        there, frame = capture.read()
        if not there:
            raise OSError("the camera gives no picture: check its cable")
        return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to end as by Ctrl-C
    with Classifier.open() as classifier, Button(pin, bounce_time=0.05) as button:
        reader = DigitReader(classifier, picture, partial(print, flush=True))
        button.when_pressed = reader.press
        print("press the button", flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()
        button.when_pressed = None
        reader.close()
    capture.release()


if __name__ == "__main__":
    main()
