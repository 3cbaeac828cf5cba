using System.Diagnostics;

namespace Scheduler.Storage.Tests.Journal;

/// <summary>
/// A PostgreSQL server of a test's own, in a temporary directory and on a Unix socket there. It needs nothing of the test
/// project that it is in, so that others can link this file.
/// </summary>
public sealed class PostgresCluster : IDisposable
{
    private const string Programs = "/usr/lib/postgresql/15/bin";
    private const string User = "postgres";

    private readonly string _directory;
    private readonly string _options;
    private int _databases;

    public PostgresCluster()
    {
        if (Missing != null)
            throw new InvalidOperationException(Missing);
        _directory = Directory.CreateTempSubdirectory("scheduler-pg-").FullName;
        _options = $"-k {_directory} -c listen_addresses= -c max_connections=50";
        try
        {
            if (Environment.IsPrivilegedProcess)
                Run("chown", User, _directory);
            RunAsServer("initdb", "-D", Data, "-A", "trust", "-U", User, "--no-locale", "-E", "UTF8", "--no-sync");
            Start();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Why there can be no server here; null: there can be one.</summary>
    public static string? Missing => File.Exists(Path.Combine(Programs, "initdb")) ? null : "PostgreSQL 15 (postgresql-15) is not installed";

    private string Data => Path.Combine(_directory, "data");

    /// <summary>A new, empty database.</summary>
    /// <returns>Npgsql's connection string.</returns>
    public string NewDatabase()
    {
        string name = $"d{Interlocked.Increment(ref _databases)}";
        Sql("postgres", $"CREATE DATABASE {name}");
        return ConnectionString(name);
    }

    public string ConnectionString(string database, string user = User) => $"Host={_directory};Database={database};Username={user}";

    /// <summary>Runs SQL as the server's owner.</summary>
    /// <returns>Rows, one a line, columns with | between them.</returns>
    public string Sql(string database, string text) =>
        RunAsServer("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", _directory, "-U", User, "-d", database, "-c", text);

    public void Start() => RunAsServer("pg_ctl", "-D", Data, "-w", "-t", "60", "-l", Path.Combine(_directory, "log"), "-o", _options, "start");

    public void Stop() => RunAsServer("pg_ctl", "-D", Data, "-w", "-m", "immediate", "stop");

    public void Dispose()
    {
        try
        {
            if (File.Exists(Path.Combine(Data, "postmaster.pid")))
                Stop();
        }
        finally
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    // The server does not run as root.
    private static string RunAsServer(string program, params string[] arguments)
    {
        string path = Path.Combine(Programs, program);
        return Environment.IsPrivilegedProcess
            ? Run("/usr/sbin/runuser", ["-u", User, "--", path, .. arguments])
            : Run(path, arguments);
    }

    private static string Run(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = "/",
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;

        // Not to the end of the streams: a server that was started keeps them.
        System.Text.StringBuilder output = new();
        System.Text.StringBuilder error = new();
        process.OutputDataReceived += (_, line) => Add(output, line.Data);
        process.ErrorDataReceived += (_, line) => Add(error, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(TimeSpan.FromSeconds(90)))
        {
            process.Kill();
            throw new TimeoutException($"{program} {string.Join(' ', arguments)}");
        }

        if (!arguments.Contains("start"))
            process.WaitForExit();
        lock (error)
        {
            return process.ExitCode == 0
                ? output.ToString().TrimEnd()
                : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}{output}");
        }
    }

    private static void Add(System.Text.StringBuilder text, string? line)
    {
        if (line == null)
            return;
        lock (text)
            text.Append(line).Append('\n');
    }
}
