namespace Scheduler.Host.Tests.Configuration;

/// <summary>Where the journal is.</summary>
public sealed class JournalSettingsTests : IDisposable
{
    private const string Database = "Host=db;Database=scheduler;Username=s";

    private readonly ConfigFile _file = new();

    public void Dispose() => _file.Dispose();

    [Theory]
    [InlineData("data-dir=/srv/s", "/srv/s/scheduler.db")]
    [InlineData("journal.sqlite=/srv/j.db", "/srv/j.db")]
    [InlineData("journal.sqlite=odd=name;x.db", "odd=name;x.db")]
    [InlineData("journal.postgres=" + Database, Database)]
    public void It_is_one_place(string set, string journal) => Assert.Equal(journal, _file.Load(set).Journal);

    [Theory]
    [InlineData("journal.sqlite=" + Database, "journal.sqlite: is a connection string, not a file; write it as journal.postgres")]
    [InlineData("journal.postgres=/srv/j.db", "journal.postgres: is not a connection string; write \"Host=...;Database=...;Username=...\"")]
    [InlineData("journal.postgres=Host=db;Secret=1", "journal.postgres: is not a connection string; write \"Host=...;Database=...;Username=...\"")]
    [InlineData("journal.sqlite=", "journal.sqlite: must be set")]
    public void A_bad_value_is_one_line_with_its_key(string set, string problem) => Assert.Equal($"--set: scheduler.{problem}", _file.Error(set));

    [Fact]
    public void It_is_not_in_two_places() =>
        Assert.Equal(
            "--set: scheduler.journal.postgres: does not go with journal.sqlite: the journal is in one place; leave one of them out",
            _file.Error("journal.sqlite=j.db", "journal.postgres=" + Database));
}
