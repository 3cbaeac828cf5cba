namespace Scheduler.Storage.Tests.Journal;

/// <summary>The server that the tests of a collection share, started when the first of them needs it.</summary>
public sealed class PostgresServer : IDisposable
{
    private PostgresCluster? _cluster;

    public PostgresCluster Cluster
    {
        get
        {
            Requires.Installed(PostgresCluster.Missing == null, PostgresCluster.Missing!);
            return _cluster ??= new PostgresCluster();
        }
    }

    public void Dispose() => _cluster?.Dispose();
}

[CollectionDefinition("postgres")]
public sealed class PostgresCollection : ICollectionFixture<PostgresServer>;
