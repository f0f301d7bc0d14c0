"""What customers have heard: plays, where they stopped, and the figures that staff see.

``memory`` collects it in each process, and writes it every few seconds. A process that is killed loses what
it has collected since: seconds, and no more. ``services`` reads it.
"""
