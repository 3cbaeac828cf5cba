// Most tests wait for services and clients; those that measure are alone, after the others (see Alone).
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
