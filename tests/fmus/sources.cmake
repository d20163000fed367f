# The test FMUs as plain shared libraries, for C++ tests; README.md has their value references and tokens.
#
#   include(tests/fmus/sources.cmake)
#   crumple_test_fmu(plain2)            # adds target test_fmu_plain2, which builds <binary dir>/test_fmus/plain2.so
#   crumple_test_fmu_path(path plain2)  # sets path to that library, as a generator expression
#
# Each line: name|source|source of the other functions, or nothing|macros, separated by commas.
# Written by `python tests/fmu_build.py --write`.
set(CRUMPLE_TEST_FMUS
    "lag2|lag2.c|rest2.c|CRUMPLE_TEST_FMU"
    "ports2|lag2.c|rest2.c|PORTS=32"
    "lag3|lag3.c|rest3.c|CRUMPLE_TEST_FMU"
    "ports3|lag3.c|rest3.c|PORTS=32"
    "all_types2|all_types2.c|rest2.c|CRUMPLE_TEST_FMU"
    "all_types3|all_types3.c|rest3.c|CRUMPLE_TEST_FMU"
    "volatile_strings2|all_types2.c|rest2.c|VOLATILE_STRINGS=1"
    "volatile_strings3|all_types3.c|rest3.c|VOLATILE_STRINGS=1"
    "huge_integers3|all_types3.c|rest3.c|HUGE_INTEGERS=1"
    "plain2|odd2.c|rest2.c|ODD=ODD_PLAIN"
    "plain3|odd3.c|rest3.c|ODD=ODD_PLAIN"
    "step_error2|odd2.c|rest2.c|ODD=ODD_ERROR"
    "step_error3|odd3.c|rest3.c|ODD=ODD_ERROR"
    "step_warning2|odd2.c|rest2.c|ODD=ODD_WARNING"
    "step_warning3|odd3.c|rest3.c|ODD=ODD_WARNING"
    "step_discard2|odd2.c|rest2.c|ODD=ODD_DISCARD"
    "step_discard3|odd3.c|rest3.c|ODD=ODD_DISCARD"
    "step_terminate2|odd2.c|rest2.c|ODD=ODD_TERMINATE"
    "step_terminate3|odd3.c|rest3.c|ODD=ODD_TERMINATE"
    "step_fatal2|odd2.c|rest2.c|ODD=ODD_FATAL"
    "step_fatal3|odd3.c|rest3.c|ODD=ODD_FATAL"
    "step_pending2|odd2.c|rest2.c|ODD=ODD_PENDING"
    "nan_output2|odd2.c|rest2.c|ODD=ODD_NAN"
    "nan_output3|odd3.c|rest3.c|ODD=ODD_NAN"
    "inf_output2|odd2.c|rest2.c|ODD=ODD_INF"
    "inf_output3|odd3.c|rest3.c|ODD=ODD_INF"
    "get_error2|odd2.c|rest2.c|ODD=ODD_GET_ERROR"
    "get_error3|odd3.c|rest3.c|ODD=ODD_GET_ERROR"
    "init_error2|odd2.c|rest2.c|ODD=ODD_INIT_ERROR"
    "init_error3|odd3.c|rest3.c|ODD=ODD_INIT_ERROR"
    "no_instance2|odd2.c|rest2.c|ODD=ODD_NO_INSTANCE"
    "no_instance3|odd3.c|rest3.c|ODD=ODD_NO_INSTANCE"
    "step_early3|odd3.c|rest3.c|ODD=ODD_EARLY"
    "step_early_rude3|odd3.c|rest3.c|ODD=ODD_EARLY_RUDE"
    "event_mode3|odd3.c|rest3.c|ODD=ODD_EVENT"
    "step_exit2|odd2.c|rest2.c|ODD=ODD_EXIT"
    "step_exit3|odd3.c|rest3.c|ODD=ODD_EXIT"
    "step_abort2|odd2.c|rest2.c|ODD=ODD_ABORT"
    "step_abort3|odd3.c|rest3.c|ODD=ODD_ABORT"
    "step_segfault2|odd2.c|rest2.c|ODD=ODD_SEGFAULT"
    "step_segfault3|odd3.c|rest3.c|ODD=ODD_SEGFAULT"
    "step_hang2|odd2.c|rest2.c|ODD=ODD_HANG"
    "step_hang3|odd3.c|rest3.c|ODD=ODD_HANG"
    "step_rounding2|odd2.c|rest2.c|ODD=ODD_ROUNDING"
    "step_rounding3|odd3.c|rest3.c|ODD=ODD_ROUNDING"
    "step_flush2|odd2.c|rest2.c|ODD=ODD_FLUSH"
    "step_flush3|odd3.c|rest3.c|ODD=ODD_FLUSH"
    "step_traps2|odd2.c|rest2.c|ODD=ODD_TRAPS"
    "step_traps3|odd3.c|rest3.c|ODD=ODD_TRAPS"
    "step_chdir2|odd2.c|rest2.c|ODD=ODD_CHDIR"
    "step_chdir3|odd3.c|rest3.c|ODD=ODD_CHDIR"
    "log_null_message2|odd2.c|rest2.c|ODD=ODD_LOG_NULL_MESSAGE"
    "log_null_message3|odd3.c|rest3.c|ODD=ODD_LOG_NULL_MESSAGE"
    "log_null_category2|odd2.c|rest2.c|ODD=ODD_LOG_NULL_CATEGORY"
    "log_null_category3|odd3.c|rest3.c|ODD=ODD_LOG_NULL_CATEGORY"
    "log_null_name2|odd2.c|rest2.c|ODD=ODD_LOG_NULL_NAME"
    "log_foreign2|odd2.c|rest2.c|ODD=ODD_LOG_FOREIGN"
    "log_foreign3|odd3.c|rest3.c|ODD=ODD_LOG_FOREIGN"
    "log_thread2|odd2.c|rest2.c|ODD=ODD_LOG_THREAD"
    "log_thread3|odd3.c|rest3.c|ODD=ODD_LOG_THREAD"
    "log_after_free2|odd2.c|rest2.c|ODD=ODD_LOG_AFTER_FREE"
    "log_after_free3|odd3.c|rest3.c|ODD=ODD_LOG_AFTER_FREE"
    "log_storm2|odd2.c|rest2.c|ODD=ODD_LOG_STORM"
    "log_storm3|odd3.c|rest3.c|ODD=ODD_LOG_STORM"
    "log_long2|odd2.c|rest2.c|ODD=ODD_LOG_LONG"
    "log_long3|odd3.c|rest3.c|ODD=ODD_LOG_LONG"
    "log_bytes2|odd2.c|rest2.c|ODD=ODD_LOG_BYTES"
    "log_bytes3|odd3.c|rest3.c|ODD=ODD_LOG_BYTES"
    "log_format2|odd2.c|rest2.c|ODD=ODD_LOG_FORMAT"
    "log_format3|odd3.c|rest3.c|ODD=ODD_LOG_FORMAT"
    "log_status2|odd2.c|rest2.c|ODD=ODD_LOG_STATUS"
    "log_status3|odd3.c|rest3.c|ODD=ODD_LOG_STATUS"
    "no_zero_length2|odd2.c|rest2.c|ODD=ODD_NO_ZERO_LENGTH"
    "no_zero_length3|odd3.c|rest3.c|ODD=ODD_NO_ZERO_LENGTH"
    "constant_step2|odd2.c|rest2.c|ODD=ODD_CONSTANT_STEP"
    "constant_step3|odd3.c|rest3.c|ODD=ODD_CONSTANT_STEP"
    "same_step2|odd2.c|rest2.c|ODD=ODD_SAME_STEP"
    "same_step3|odd3.c|rest3.c|ODD=ODD_SAME_STEP"
    "multiple_step3|odd3.c|rest3.c|ODD=ODD_MULTIPLE_STEP"
    "once_per_process2|odd2.c|rest2.c|ODD=ODD_ONCE"
    "once_per_process3|odd3.c|rest3.c|ODD=ODD_ONCE"
    "shared_state2|odd2.c|rest2.c|ODD=ODD_SHARED"
    "shared_state3|odd3.c|rest3.c|ODD=ODD_SHARED"
    "lying_state2|odd2.c|rest2.c|ODD=ODD_LYING_STATE"
    "lying_state3|odd3.c|rest3.c|ODD=ODD_LYING_STATE"
    "resource2|odd2.c|rest2.c|ODD=ODD_RESOURCE"
    "resource3|odd3.c|rest3.c|ODD=ODD_RESOURCE"
    "shy2|odd2.c|rest2.c|ODD=ODD_SHY"
    "shy3|odd3.c|rest3.c|ODD=ODD_SHY"
    "unsure2|odd2.c|rest2.c|ODD=ODD_UNSURE"
    "unsure3|odd3.c|rest3.c|ODD=ODD_UNSURE"
    "prints2|odd2.c|rest2.c|ODD=ODD_PRINTS"
    "prints3|odd3.c|rest3.c|ODD=ODD_PRINTS"
    "takes_gil2|odd2.c|rest2.c|ODD=ODD_TAKES_GIL"
    "takes_gil3|odd3.c|rest3.c|ODD=ODD_TAKES_GIL"
    "strict2|odd2.c|rest2.c|ODD=ODD_PLAIN,STRICT=1"
    "strict3|odd3.c|rest3.c|ODD=ODD_PLAIN,STRICT=1"
    "strict_error2|odd2.c|rest2.c|ODD=ODD_ERROR,STRICT=1"
    "strict_error3|odd3.c|rest3.c|ODD=ODD_ERROR,STRICT=1"
    "strict_discard2|odd2.c|rest2.c|ODD=ODD_DISCARD,STRICT=1"
    "strict_fatal2|odd2.c|rest2.c|ODD=ODD_FATAL,STRICT=1"
    "strict_fatal3|odd3.c|rest3.c|ODD=ODD_FATAL,STRICT=1"
    "strict_init_error2|odd2.c|rest2.c|ODD=ODD_INIT_ERROR,STRICT=1"
    "strict_init_error3|odd3.c|rest3.c|ODD=ODD_INIT_ERROR,STRICT=1"
    "strict_terminate2|odd2.c|rest2.c|ODD=ODD_TERMINATE,STRICT=1"
    "strict_terminate3|odd3.c|rest3.c|ODD=ODD_TERMINATE,STRICT=1"
    "strict_early3|odd3.c|rest3.c|ODD=ODD_EARLY,STRICT=1"
    "strict_event_mode3|odd3.c|rest3.c|ODD=ODD_EVENT,STRICT=1"
    "strict_once2|odd2.c|rest2.c|ODD=ODD_ONCE,STRICT=1"
    "strict_once3|odd3.c|rest3.c|ODD=ODD_ONCE,STRICT=1"
    "real_only2|odd2.c|-|ODD=ODD_PLAIN,REAL_ONLY=1"
    "no_end2|odd2.c|-|ODD=ODD_PLAIN,NO_END=1"
    "real_only3|odd3.c|-|ODD=ODD_PLAIN,REAL_ONLY=1"
    "no_end3|odd3.c|-|ODD=ODD_PLAIN,NO_END=1"
    "hostile2|../../fmu/hostile/model.c|rest2.c|FMI=2"
    "hostile3|../../fmu/hostile/model.c|rest3.c|FMI=3"
)

set(CRUMPLE_TEST_FMU_SOURCES "${CMAKE_CURRENT_LIST_DIR}")

function(crumple_test_fmu name)
    foreach(line IN LISTS CRUMPLE_TEST_FMUS)
        string(REPLACE "|" ";" parts "${line}")
        list(GET parts 0 found)
        if(NOT found STREQUAL name)
            continue()
        endif()
        list(GET parts 1 source)
        list(GET parts 2 rest)
        list(GET parts 3 macros)
        string(REPLACE "," ";" macros "${macros}")
        set(target "test_fmu_${name}")
        add_library(${target} MODULE "${CRUMPLE_TEST_FMU_SOURCES}/${source}")
        if(NOT rest STREQUAL "-")
            target_sources(${target} PRIVATE "${CRUMPLE_TEST_FMU_SOURCES}/${rest}")
        endif()
        find_package(Threads REQUIRED)
        target_include_directories(${target} PRIVATE "${CRUMPLE_TEST_FMU_SOURCES}/../../cpp/include")
        target_compile_definitions(${target} PRIVATE ${macros})
        target_compile_options(${target} PRIVATE -Wall -Wextra -ffp-contract=off)
        target_link_libraries(${target} PRIVATE Threads::Threads m)
        set_target_properties(${target} PROPERTIES
            C_STANDARD 11 C_EXTENSIONS ON PREFIX "" OUTPUT_NAME "${name}" C_VISIBILITY_PRESET default
            LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/test_fmus")
        return()
    endforeach()
    message(FATAL_ERROR "no test FMU library is named ${name}; see CRUMPLE_TEST_FMUS in sources.cmake")
endfunction()

function(crumple_test_fmu_path variable name)
    set(${variable} "$<TARGET_FILE:test_fmu_${name}>" PARENT_SCOPE)
endfunction()
