"""Made-up Pinterest accounts, written without knowledge of the statistics that they test."""

from simulations.independent.world import FORMATS, METRICS, SATURDAY, VIDEO, WORD, Design, IndependentWorld

__all__ = ["FORMATS", "METRICS", "SATURDAY", "VIDEO", "WORD", "Design", "IndependentWorld"]
