using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Scheduler.Host.Api;
using Scheduler.Host.CommandLine;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Host.Tests.Running;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Host.Tests.Api;

/// <summary>Faults over the admin address, and the commands that use it.</summary>
public sealed class FaultApiTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly LogLines _log = new();
    private readonly LoggerFactory _loggers = new();
    private Observability _observability = null!;
    private Service _service = null!;
    private WebApplication _admin = null!;
    private ServiceFigures _figures = null!;

    private string Url => AdminServer.UrlOf(_admin);

    private string Marker => Path.Combine(_directory, "v.img.fault");

    public async Task InitializeAsync()
    {
        string file = Path.Combine(_directory, "test.conf");
        await File.WriteAllTextAsync(file, $$"""
            scheduler {
              data-dir = "{{_directory}}", nbd.listen = ["unix:{{_directory}}/nbd.sock"], admin.listen = "http://127.0.0.1:0"
              volumes {
                v { path = "{{_directory}}/v.img", size = 8MiB, cache = buffered, device = faulty, faulty.error = flush }
                w { device = memory, size = 8MiB }
              }
              guests.g {}
              disks {
                d0 { volume = v, guest = g, offset = 0, size = 4MiB }
                d1 { volume = v, guest = g, offset = 4MiB, size = 4MiB }
              }
            }
            """);
        ServiceSettings settings = SettingsLoader.Load(file, []);
        _observability = new Observability(settings.Telemetry, 2000);
        _loggers.AddProvider(_log);
        _service = await Service.StartAsync(settings, _observability.Volumes, _loggers);
        _figures = new ServiceFigures(_service);
        _admin = await AdminServer.StartAsync(settings, new AdminTarget(_service, _service.Catalog, _figures), _observability.Prometheus, logging => logging.SetMinimumLevel(LogLevel.Warning).AddProvider(_log));
    }

    public async Task DisposeAsync()
    {
        await _admin.DisposeAsync();
        _figures.Dispose();
        _ = await _service.StopAsync();
        await _service.DisposeAsync();
        _loggers.Dispose();
        _observability.Dispose();
        await _output.DisposeAsync();
        await _error.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Without_a_fault_there_is_nothing_to_list_or_clear()
    {
        Assert.Equal(0, await Run("fault", "list", "--admin", Url));
        Assert.Equal("no faults\n", _output.ToString());
        Assert.Equal(1, await Run("fault", "clear", "v", "--admin", Url));
        Assert.Equal("volume v has no fault; see scheduler fault list\n", _error.ToString());
    }

    [Fact]
    public async Task A_fault_is_listed_and_cleared()
    {
        using RawClient client = Fence();
        Assert.Equal(0, await Run("fault", "list", "--admin", Url));
        Assert.Matches(@"volume +domain +errno +error +since\s+v +0 +5 +Input/output error +20\d\d-\S+Z\s", _output.ToString());
        _ = _output.GetStringBuilder().Clear();

        // For scripts it is what the service says.
        Assert.Equal(0, await Run("fault", "list", "--json", "--admin", Url));
        using HttpClient http = new();
        string answer = await http.GetStringAsync(Url + "/api/v1/faults");
        Assert.Contains("\"errno\":5", answer, StringComparison.Ordinal);
        Assert.Equal(answer + "\n", _output.ToString());

        Assert.Equal(0, await Run("fault", "clear", "v", "--admin", Url));
        Assert.EndsWith("volume v: the fault of domain 0 is cleared\n", _output.ToString());
        Assert.Equal("", _error.ToString());
        Assert.False(File.Exists(Marker), "the marker is still there");
        Assert.Empty(_service.Problems());
        Assert.Null(client.TakeReply());

        // Who cleared it is in the history; what is last is written soon after.
        string history = "";
        for (int i = 0; i < 1000 && !history.Contains("\"cleared\"", StringComparison.Ordinal); i++, await Task.Delay(5))
            history = await http.GetStringAsync(Url + "/api/v1/faults/v/history");
        Assert.Matches(
            """^{"items":\[{"number":3,"domain":0,"change":"cleared","errno":null,"by":"local","at":"[^"]+"},{"number":2,"domain":0,"change":"clearing","errno":null,"by":"local","at":"[^"]+"},{"number":1,"domain":0,"change":"recorded","errno":5,"by":null,"at":"[^"]+"}\],"next":null}$""",
            history);
        Assert.Contains("\"next\":2", await http.GetStringAsync(Url + "/api/v1/faults/v/history?limit=1"), StringComparison.Ordinal);
        _ = _output.GetStringBuilder().Clear();
        Assert.Equal(0, await Run("fault", "history", "v", "--limit", "2", "--admin", Url));
        string[] rows = _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, rows.Length);
        Assert.Matches(@"^ *3 .* 0 +cleared\b.* local *$", rows[1]);
        Assert.Matches(@"^ *2 .* 0 +clearing\b.* local *$", rows[2]);
    }

    [Fact]
    public async Task Who_cleared_a_fault_is_logged_though_it_does_not_wait()
    {
        using RawClient client = Fence();
        using ManualResetEventSlim goOn = new();
        _service.Volumes[0].Loop.Post(() => goOn.Wait());
        Uri url = new(Url);
        using (TcpClient hasty = new(url.Host, url.Port))
            await hasty.GetStream().WriteAsync("DELETE /api/v1/faults/v/0 HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());

        // For the server to see that it has gone.
        await Task.Delay(300);
        goOn.Set();
        for (int i = 0; i < 1000 && !_log.Lines.Any(TellsWho); i++)
            await Task.Delay(10);
        Assert.Contains(_log.Lines, TellsWho);

        static bool TellsWho(string line) => line.StartsWith("Volume v: the fault of domain 0 (errno 5, since ", StringComparison.Ordinal)
            && line.Contains(" was cleared by local", StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_can_be_written_nowhere_is_not_cleared()
    {
        using RawClient client = Fence();

        // A directory can't be unlinked.
        File.Delete(Marker);
        Directory.CreateDirectory(Marker);
        Assert.Equal(1, await Run("fault", "clear", "v", "--domain", "0", "--admin", Url));
        Assert.Contains("cannot remove", _error.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(_service.Problems());
        Assert.Equal(NbdError.EIO, client.Call(NbdCommand.Write, 0, 4096));
    }

    [Theory]
    [InlineData("DELETE", "/api/v1/faults/v/0", 404, "volume v has no fault in domain 0")]
    [InlineData("DELETE", "/api/v1/faults/x/0", 404, "there is no volume x")]
    [InlineData("DELETE", "/api/v1/faults/v/-1", 404, "volume v has no fault in domain -1")]
    [InlineData("DELETE", "/api/v1/faults/v/one", 404, "there is nothing at /api/v1/faults/v/one; /api/v1/openapi.json says what there is")]
    [InlineData("POST", "/api/v1/faults", 405, "POST is not for /api/v1/faults; /api/v1/openapi.json says what is")]
    [InlineData("GET", "/api/v1/faults/v", 404, "there is nothing at /api/v1/faults/v; /api/v1/openapi.json says what there is")]
    public async Task Errors_are_problem_details(string method, string path, int status, string detail)
    {
        using HttpClient http = new();
        using HttpRequestMessage request = new(new HttpMethod(method), Url + path);
        using HttpResponseMessage response = await http.SendAsync(request);
        await AssertProblem(response, status, detail);
    }

    [Fact]
    public async Task A_name_that_a_web_page_could_point_here_is_refused()
    {
        using HttpClient http = new();
        using HttpRequestMessage request = new(HttpMethod.Get, Url + "/api/v1/faults") { Headers = { Host = "pages.example" } };
        using HttpResponseMessage response = await http.SendAsync(request);
        await AssertProblem(response, 421, "'pages.example' is not a name of this machine; use its address or localhost");

        using HttpRequestMessage local = new(HttpMethod.Get, Url + "/api/v1/faults") { Headers = { Host = "localhost" } };
        using HttpResponseMessage answer = await http.SendAsync(local);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("""{"faults":[]}""", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Where_no_service_answers_it_is_one_line_and_exit_code_1()
    {
        Assert.Equal(1, await Run("fault", "list", "--admin", $"unix:{_directory}/none.sock"));
        Assert.Matches(@"^no service answers at unix:\S+none\.sock: .*--admin\n$", _error.ToString());
        Assert.Equal(2, await Run("fault", "list", "--admin", "127.0.0.1:8080"));
        Assert.Equal(2, await Run("fault", "clear", "v", "--domain", "x"));
        Assert.Equal(2, await Run("fault", "clear"));
    }

    private static async Task AssertProblem(HttpResponseMessage response, int status, string detail)
    {
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        using JsonDocument problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(status, problem.RootElement.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.RootElement.GetProperty("title").GetString()!);
        Assert.Equal(detail, problem.RootElement.GetProperty("detail").GetString());
    }

    private RawClient Fence()
    {
        RawClient client = new(_service.NbdEndpoints[0], "d0");
        Assert.Equal(NbdError.None, client.Call(NbdCommand.Write, 0, 4096));
        Assert.Equal(NbdError.EIO, client.Call(NbdCommand.Flush));
        Assert.True(File.Exists(Marker), "there is no marker");
        return client;
    }

    private Task<int> Run(params string[] args) =>
        SchedulerCommandLine.RunAsync(args, _output, _error, (_, _) => Task.FromResult(0), CancellationToken.None);
}
