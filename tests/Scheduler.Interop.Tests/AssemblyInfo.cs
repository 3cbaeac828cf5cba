// Tests here measure a process of two cores' worth of work: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
