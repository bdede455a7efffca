"""The experiment of the planner's source, over: six scenarios, five sizes, two objectives, on made-up cities."""
