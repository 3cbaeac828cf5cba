// Tests here measure time, allocation and descriptors of the whole process: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
