"""The order of the three stances in every array. Pure, and free of heavy imports."""

from store.records import Stance

STANCES: tuple[Stance, Stance, Stance] = ("favor", "against", "none")
